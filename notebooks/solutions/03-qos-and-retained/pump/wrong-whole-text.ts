// expect: an order sent twice
interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  const seen = new Set<string>();
  return async (order) => {
    if (seen.has(order)) return;
    seen.add(order);
    const { id, litres } = JSON.parse(order);
    await ledger.pour(id, litres);
  };
}
