// expect: times poured
function makePump(ledger: { has(id: string): Promise<boolean>; pour(id: string, litres: number): Promise<void> }) {
  ledger.pour = async () => undefined;
  return async (_order: string): Promise<void> => undefined;
}
