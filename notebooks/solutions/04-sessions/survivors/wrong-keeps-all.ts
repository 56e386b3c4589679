// expect: the simple night
type Sent = { text: string; qos: 0 | 1 };
const survivors = (night: Sent[], limit: number): string[] => night.map((sent) => sent.text);
