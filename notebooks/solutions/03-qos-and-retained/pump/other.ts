interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  const once = async (id: string, litres: number) => {
    if (!(await ledger.has(id))) await ledger.pour(id, litres);
  };
  return (order) => {
    const { id, litres } = JSON.parse(order);
    const first = underWay.get(id);
    if (first) return first;
    const work = once(id, litres).finally(() => underWay.delete(id));
    underWay.set(id, work);
    return work;
  };
}
