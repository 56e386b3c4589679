// expect: an order sent again after a restart
interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  const done = new Set<string>();
  return async (order) => {
    const { id, litres } = JSON.parse(order);
    if (done.has(id)) return;
    done.add(id);
    await ledger.pour(id, litres).catch(() => done.delete(id));
  };
}
