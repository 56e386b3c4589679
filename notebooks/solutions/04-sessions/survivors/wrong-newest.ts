// expect: the simple night
type Sent = { text: string; qos: 0 | 1 };
const survivors = (night: Sent[], limit: number): string[] =>
  night
    .filter((sent) => sent.qos > 0)
    .slice(-limit)
    .map((sent) => sent.text);
