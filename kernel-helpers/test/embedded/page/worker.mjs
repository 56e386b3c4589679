/** A Web Worker with a broker in it: files and network are memory. Clients of the page reach it through MessagePorts. */
import { Broker } from "/core/broker.js";
import { MemoryFiles } from "/core/memory-files.js";
import { MemoryNetwork } from "/core/memory-network.js";
import { compileModule } from "/core/webassembly.js";

const network = new MemoryNetwork();
const CONF = "listener 1883\nallow_anonymous true\npersistence true\npersistence_location /mosquitto/data/\n";

/** One client: bytes from its port go into a connection, and back. null = the end. */
function join(port) {
  const connection = network.connect({ port: 1883 });
  connection.listen({
    open: () => port.postMessage("open"),
    data: (bytes) => port.postMessage(bytes),
    drain() {},
    end: () => port.postMessage(null),
    error: () => port.postMessage(null),
  });
  port.onmessage = ({ data }) => (data === null ? connection.end() : connection.write(data));
}

async function start() {
  const files = new MemoryFiles();
  files.put("/mosquitto/config/mosquitto.conf", CONF);
  files.put("/mosquitto/data/.keep", "");
  const bytes = new Uint8Array(await (await fetch("/mosquitto.wasm")).arrayBuffer());
  const broker = await Broker.start({
    module: await compileModule(bytes),
    files,
    network,
    args: ["-c", "/mosquitto/config/mosquitto.conf"],
    line: (text) => self.postMessage({ line: text }),
    ended: (end) => self.postMessage({ end, saved: files.get("/mosquitto/data/mosquitto.db").length }),
  });
  self.postMessage({ running: broker.running });
  return broker;
}

const started = start();
self.onmessage = async ({ data }) => {
  const broker = await started;
  if (data.join) join(data.join);
  else broker.signal("SIGTERM");
};
