/** Two MQTT.js clients on a broker in a Web Worker; the test calls `runPage` and judges what it returns. */
import mqtt from "/mqtt.esm.js";

/** The part of a WebSocket that MQTT.js uses, over a MessagePort. */
class PortSocket extends EventTarget {
  binaryType = "arraybuffer";
  bufferedAmount = 0;
  readyState = 0;

  constructor(worker) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data }) => {
      if (data === "open") {
        this.readyState = 1;
        this.tell(new Event("open"));
      } else if (data === null) this.close();
      else
        this.tell(
          new MessageEvent("message", { data: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) }),
        );
    };
    worker.postMessage({ join: port2 }, [port2]);
  }

  tell(event) {
    this[`on${event.type}`]?.(event);
    this.dispatchEvent(event);
  }

  send(data) {
    this.port.postMessage(new Uint8Array(data));
  }

  close() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.port.postMessage(null);
    this.tell(new CloseEvent("close"));
  }
}

const waitFor = (target, name) => new Promise((resolve) => target.once(name, (...args) => resolve(args)));

function startWorker() {
  const worker = new Worker("/page/worker.mjs", { type: "module" });
  const lines = [];
  const waiting = [];
  worker.onmessage = ({ data }) => {
    if (data.line !== undefined) lines.push(data.line);
    else waiting.shift()?.resolve(data);
  };
  worker.onerror = (event) => waiting.shift()?.reject(new Error(event.message));
  const next = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  return { worker, lines, next };
}

export async function runPage() {
  const { worker, lines, next } = startWorker();
  await next();
  const client = async (options) => {
    const one = mqtt.connect("ws://memory", {
      protocolVersion: 5,
      reconnectPeriod: 0,
      createWebsocket: () => new PortSocket(worker),
      ...options,
    });
    await waitFor(one, "connect");
    return one;
  };
  const sensor = await client({
    clientId: "sensor",
    will: {
      topic: "state/sensor",
      payload: "gone",
      qos: 2,
      retain: true,
      properties: { userProperties: { why: "cut" } },
    },
  });
  const properties = { userProperties: { unit: "°C", tag: ["a", "b"] }, contentType: "text/plain" };
  await sensor.publishAsync("site/temp", "21.5", { qos: 2, retain: true, properties });

  const dashboard = await client({ clientId: "dashboard" });
  const got = [];
  let wake = () => {};
  dashboard.on("message", (topic, payload, packet) => {
    const { userProperties } = packet.properties ?? {};
    got.push({ topic, text: String(payload), qos: packet.qos, retain: packet.retain, user: { ...userProperties } });
    wake();
  });
  const collected = async (count) => {
    while (got.length < count) await new Promise((resolve) => (wake = resolve));
  };
  await dashboard.subscribeAsync(["site/#", "state/#"], { qos: 2 });
  await collected(1);
  for (let i = 0; i < 100; i++) await sensor.publishAsync("site/count", String(i), { qos: 2 });
  await collected(101);
  sensor.stream.destroy();
  await collected(102);
  await dashboard.endAsync();
  worker.postMessage({ stop: true });
  const ended = await next();
  worker.terminate();
  return { got, lines, ended };
}
