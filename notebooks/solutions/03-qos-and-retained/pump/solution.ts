interface Ledger {
  has(id: string): Promise<boolean>;
  pour(id: string, litres: number): Promise<void>;
}
function makePump(ledger: Ledger): (order: string) => Promise<void> {
  let turn: Promise<void> = Promise.resolve();
  return (order) => {
    const { id, litres } = JSON.parse(order);
    // One after the other: between the question and the pouring nobody else may ask.
    const work = turn.then(async () => {
      if (!(await ledger.has(id))) await ledger.pour(id, litres);
    });
    turn = work.catch(() => undefined);
    return work;
  };
}
