// expect: the mixed night
type Sent = { text: string; qos: 0 | 1 };
const survivors = (night: Sent[], limit: number): string[] =>
  night
    .slice(0, limit)
    .filter((sent) => sent.qos > 0)
    .map((sent) => sent.text);
