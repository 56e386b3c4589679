import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { type ExecuteResult, KernelClient } from "kernel-helpers/dist/kernel/client";

/** Live pictures of a tap in front of a real broker, on the best engine of this machine. */
let kernel: KernelClient;

const OPEN = `
import { openLab, showLive, showPackets, showSequence, showTable, showTopics, until } from "kernel-helpers";
const lab = await openLab("02-messaging");
const broker = await lab.broker({ conf: "listener 1883\\nallow_anonymous true" });
const tap = await lab.tap(broker);
const meter = await lab.client(tap, { clientId: "meter" });
const publish = (topic: string) => meter.mqtt.publishAsync(topic, "71.5", { qos: 1 });`;

before(async () => {
  kernel = await KernelClient.start({ cwd: courseRoot });
  await run(OPEN);
});
after(async () => {
  await kernel?.execute("await lab.close()");
  await kernel?.shutdown();
});

interface Said {
  readonly type: string;
  readonly at: number;
}

/** A cell's run, and when each picture came. */
async function run(code: string): Promise<{ result: ExecuteResult; texts: string[]; messages: Said[] }> {
  const messages: Said[] = [];
  const result = await kernel.execute(code, {
    timeout: 60_000,
    onMessage: (type) => messages.push({ type, at: performance.now() }),
  });
  assert.equal(result.status, "ok", result.error?.traceback.join("\n"));
  return { result, texts: textsOf(result), messages };
}

const textsOf = ({ outputs }: ExecuteResult): string[] =>
  outputs.flatMap((output) => ("data" in output ? [String(output.data["text/plain"])] : []));

test("a tree of topics follows the tap in its place, and the cell keeps the last state", async () => {
  const { texts, messages } = await run(`
tap.clear();
showTopics(tap, { title: "Live" });
for (let i = 0; i < 60; i++) await publish("plant/" + (i % 3));
"done"`);
  assert.equal(texts.length, 2);
  assert.match(texts[0] ?? "", /^Live\n\ntopic +published\n[─ ]+\nplant\/0 +20\nplant\/1 +20\nplant\/2 +20$/);
  assert.equal(messages.filter(({ type }) => type === "display_data").length, 1);
  assert.ok(messages.some(({ type }) => type === "update_display_data"));
});

test("at most ten pictures a second, whatever flows", async () => {
  const { messages, texts } = await run(`
tap.clear();
showTopics(tap);
const until1500 = Date.now() + 1_500;
let sent = 0;
while (Date.now() < until1500) { await publish("plant/rate"); sent++; }
sent`);
  const times = messages.filter(({ type }) => type.endsWith("display_data")).map(({ at }) => at);
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
  assert.ok(times.length >= 3, `${times.length} pictures`);
  // The last state of the cell may come sooner.
  assert.ok(times.length <= 10 * seconds + 3, `${times.length} pictures in ${seconds.toFixed(1)} s`);
  assert.equal(/plant\/rate +(\d+)/.exec(texts[0] ?? "")?.[1], texts[1]);
});

test("as the last expression of its cell it is shown once", async () => {
  const { texts, messages } = await run('tap.clear();\nawait publish("once");\nshowTopics(tap)');
  assert.equal(texts.length, 1);
  assert.match(texts[0] ?? "", /once +1/);
  assert.ok(!messages.some(({ type }) => type === "execute_result"));
});

test("a cell that ended shows nothing more, in itself or in later cells", async () => {
  const first = await run(`
tap.clear();
showTopics(tap);
const timer = setInterval(() => void publish("later"), 5);
await until("one came", () => tap.packets.some((record) => record.packet.type === "PUBACK"));`);
  const before = textsOf(first.result)[0];
  const { messages, texts } = await run(`
const seen = tap.packets.length;
await until("many more came", () => tap.packets.length > seen + 100);
clearInterval(timer);`);
  assert.deepEqual(texts, []);
  assert.deepEqual(
    messages.map(({ type }) => type).filter((type) => type.endsWith("display_data")),
    [],
  );
  assert.equal(textsOf(first.result)[0], before, "the first cell's picture is as it was when the cell ended");
});

test("an interrupted cell keeps what it had seen, and the next one is live again", async () => {
  const running = kernel.execute(
    `
tap.clear();
showTopics(tap);
for (let i = 0; i < 7; i++) await publish("before/interrupt");
console.log("sent");
await new Promise(() => {});`,
    {
      timeout: 60_000,
      onMessage: (type, content) => {
        if (type === "stream" && String(content.text).includes("sent")) void kernel.interrupt();
      },
    },
  );
  const result = await running;
  assert.equal(result.error?.ename, "KeyboardInterrupt");
  assert.match(textsOf(result)[0] ?? "", /before\/interrupt +7/);
  const { texts } = await run('tap.clear();\nshowTopics(tap);\nawait publish("after/interrupt");');
  assert.match(texts[0] ?? "", /after\/interrupt +1/);
});

test("a cell that fails keeps the state of its failure", async () => {
  const result = await kernel.execute(
    'tap.clear();\nshowTopics(tap);\nawait publish("before/error");\nthrow new Error("enough");',
    { timeout: 60_000 },
  );
  assert.equal(result.error?.ename, "Error");
  assert.match(textsOf(result)[0] ?? "", /before\/error +1/);
});

test("sequences, packets and pictures of one's own are live too", async () => {
  const { texts } = await run(`
tap.clear();
showSequence(tap, { title: "sequence" });
showPackets(tap, { caption: "packets" });
showLive(tap, () => showTable({ caption: "counted", columns: ["packets"], rows: [[tap.packets.length]] }));
await publish("all/of/them");`);
  assert.match(texts[0] ?? "", /^sequence: 2 packets\n[\s\S]*PUBACK/);
  assert.match(texts[1] ?? "", /^packets: 2 packets\n[\s\S]*PUBACK/);
  assert.match(texts[2] ?? "", /^counted\n[\s\S]*2$/);
});

test("what a picture of one's own throws is the cell's error, at once or later", async () => {
  const at = await kernel.execute('showLive(tap, () => { throw new Error("cannot draw"); })');
  assert.equal(at.error?.evalue, "cannot draw");
  const later = await kernel.execute(`
let calls = 0;
showLive(tap, () => { if (calls++) throw new Error("cannot draw again"); return showTable({ caption: "c", columns: ["n"], rows: [[1]] }); });
await publish("later/error");`);
  assert.equal(later.status, "ok");
  assert.deepEqual(
    later.lateErrors.map((error) => error.evalue),
    ["cannot draw again"],
  );
});

test("a tap that is replaced leaves its last picture", async () => {
  const { texts } = await run(`
tap.clear();
showTopics(tap, { title: "old" });
await publish("old/tap");
const other = await lab.tap(broker);
const again = await lab.client(other, { clientId: "meter" });
showTopics(other, { title: "new" });
await again.mqtt.publishAsync("new/tap", "71.5", { qos: 1 });`);
  assert.deepEqual(
    texts.slice(0, 2).map((text) => text.replace(/\n\ntopic[\s\S]*─\n/, ": ").replace(/ +/g, " ")),
    ["old: old/tap 1", "new: new/tap 1"],
  );
});
