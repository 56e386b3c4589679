// expect: an order sent again after a stuck valve
interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  const seen = new Set<string>();
  return async (order) => {
    const { id, litres } = JSON.parse(order);
    if (seen.has(id)) return;
    seen.add(id);
    if (!(await ledger.has(id))) await ledger.pour(id, litres);
  };
}
