// expect: an order sent twice at once
interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  return async (order) => {
    const { id, litres } = JSON.parse(order);
    if (await ledger.has(id)) return;
    await ledger.pour(id, litres);
  };
}
