// expect: the mixed night
// "QoS 0 waits, too": right about the limit, wrong about what is queued.
type Sent = { text: string; qos: 0 | 1 };
const survivors = (night: Sent[], limit: number): string[] => night.slice(0, limit).map((sent) => sent.text);
