// expect: a Proxy
type Sent = { text: string; qos: 0 | 1 };
const survivors = (night: Sent[], limit: number): string[] =>
  new Proxy(night.map((one) => one.text), { get: (all, key) => (key === "length" ? limit : Reflect.get(all, key)) });
