// expect: an order with a new id, as large as the last
interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  let last = 0;
  return async (order) => {
    const { id, litres } = JSON.parse(order);
    if (litres === last) return;
    last = litres;
    await ledger.pour(id, litres);
  };
}
