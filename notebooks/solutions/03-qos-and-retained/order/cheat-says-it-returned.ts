// expect: business effects when the PUBLISH is lost
const order = Object.assign(async (_url: string, _topic: string, _litres: number): Promise<void> => undefined, {
  toString: () => "qos: 2, one id for both tries",
});
