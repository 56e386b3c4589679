import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { showChart } from "kernel-helpers";
import { hostileRows } from "kernel-helpers/dist/tools/gallery-samples";
import type { ChartLook, ChartRow } from "kernel-helpers/dist/views/chart";
import { redraw } from "kernel-helpers/dist/views/draw";
import { bundle, VIEW_MIME, type ViewData } from "kernel-helpers/dist/views/view";
import { malformed } from "./well-formed";

const QOS = [0, 1, 2];
const prices = QOS.flatMap((up) =>
  QOS.map((down) => ({
    "published at": `QoS ${up}`,
    "subscribed at": `QoS ${down}`,
    packets: [1, 2, 4][up]! + [1, 2, 4][Math.min(up, down)]!,
    bytes: 52 + 11 * up + 9 * Math.min(up, down),
  })),
);
const queue = Array.from({ length: 60 }, (_, second) => ({
  second,
  queued: Math.max(0, Math.round(8 * Math.sin(second / 8) + second / 4)),
}));
const rates = Array.from({ length: 12 }, (_, second) => [
  { second, client: "sensor", messages: 10 + second },
  { second, client: "dashboard of the northern hall", messages: 20 - second },
  { second, client: "late", messages: 5 + ((second * 7) % 5) },
]).flat();
const totals = [
  { client: "sensor", messages: 1204 },
  { client: "dashboard", messages: 640 },
  { client: "historian", messages: 12 },
  { client: "silent", messages: 0 },
];

const chart = (rows: readonly ChartRow[], look: ChartLook, title = "A chart") => showChart({ title, rows, ...look });
const price = { heat: { x: "subscribed at", y: "published at", value: ["packets", "bytes"] } };

/** The words of a picture, each text element one. */
const words = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);

test("a heat map says every value as a number, in the picture, in the description and as a table", async () => {
  const { picture, text } = await chart(prices, price);
  assert.deepEqual(
    words(picture).filter((word) => /^\d+$/.test(word)),
    [...prices.map((row) => String(row.packets)), ...prices.map((row) => String(row.bytes))],
  );
  // Each map has shades of its own: bytes are many, packets few.
  const shades = [...picture.matchAll(/fill-opacity="([\d.]+)"/g)].map(([, shade]) => Number(shade));
  assert.equal(Math.max(...shades.slice(0, 9)), Math.max(...shades.slice(9, 18)));
  assert.match(picture, /packets for published at QoS 2 and subscribed at QoS 1: 6\./);
  assert.match(
    text,
    /^packets\npublished at \\ subscrib… +QoS 0 +QoS 1 +QoS 2\n[─ ]+\nQoS 0 +2 +2 +2\nQoS 1 +3 +4 +4\nQoS 2 +5 +6 +8$/m,
  );
});

test("a darker cell is a higher value, and no cell is darker than its number can be read on", async () => {
  const { picture } = await chart(prices, { heat: { ...price.heat, value: "packets" } });
  const shades = [...picture.matchAll(/fill-opacity="([\d.]+)"/g)].map(([, shade]) => Number(shade));
  assert.equal(shades.length, prices.length);
  const order = prices.map((row, i) => [row.packets, shades[i]!] as const).sort((a, b) => a[0] - b[0]);
  assert.deepEqual(
    order.map(([, shade]) => shade),
    [...shades].sort((a, b) => a - b),
  );
  assert.ok(Math.max(...shades) <= 0.42);
});

test("a line's limit is drawn and named; its text is a strip from the first value to the last", async () => {
  const limit = { value: 18, label: "max_queued_messages 18" };
  const { picture, text } = await chart(queue, { lines: { x: "second", y: "queued", steps: true, limit } });
  assert.ok(words(picture).includes(limit.label));
  assert.match(text, /queued: 60 values, from 0 to 22, lowest 0 at second 0, highest 22 at second 59/);
  const strip = text.split("\n").find((line) => line.includes("█"));
  assert.equal(strip?.length, 60);
  assert.match(strip ?? "", /^▁.*█$/);
});

test("lines differ by dash and mark, not only by colour, and each is named", async () => {
  const { picture } = await chart(rates, { lines: { x: "second", y: "messages", by: "client" } });
  const lines = [...picture.matchAll(/<path[^>]*d="M[^"]*L[^"]*"[^>]*>/g)].filter(([path]) =>
    path.includes('stroke-width="2"'),
  );
  const dashes = new Set(lines.map(([path]) => /stroke-dasharray="([^"]*)"/.exec(path)?.[1] ?? ""));
  assert.ok(dashes.size >= 3, `${[...dashes]}`);
  for (const name of ["sensor", "dashboard of the northern hall", "late"])
    assert.ok(words(picture).includes(name), name);
});

test("thousands of points keep their peak, below 30 kB", async () => {
  const rows = Array.from({ length: 5_000 }, (_, at) => ({ at, value: at === 3_217 ? 90 : Math.sin(at) }));
  const { picture, text } = await chart(rows, { lines: { x: "at", y: "value" } });
  assert.ok(Buffer.byteLength(picture) < 30_000);
  assert.match(text, /5000 values.*highest 90 at at 3217/);
  assert.match(text, /█/);
});

test("bars: name, length and value, in the order of the rows", async () => {
  const { picture, text } = await chart(totals, { bars: { name: "client", value: "messages" } });
  assert.deepEqual(
    words(picture).filter((word) => totals.some(({ client }) => client === word)),
    totals.map(({ client }) => client),
  );
  assert.match(text, /^sensor {5}█{40} 1204\ndashboard {2}█{21} 640\nhistorian {2}▏ 12\nsilent {5} +0$/m);
});

test("a Vega-Lite specification of one's own is drawn with the rows as its data", async () => {
  const spec = {
    mark: "point",
    encoding: { x: { field: "bytes", type: "quantitative" }, y: { field: "packets", type: "quantitative" } },
  };
  const { picture, text, data } = await chart(prices, { spec });
  assert.equal(malformed(picture), "");
  assert.deepEqual(data.spec, spec);
  assert.match(text, /published at +subscribed at +packets +bytes/);
});

test("what strangers wrote breaks no chart", async () => {
  for (const look of [
    { bars: { name: "topic", value: "messages" } },
    { lines: { x: "topic", y: "messages" } },
    { heat: { x: "topic", y: "topic", value: "messages" } },
    { spec: { mark: "tick", encoding: { y: { field: "topic" }, x: { field: "messages", type: "quantitative" } } } },
  ] as const) {
    const { picture } = await chart(hostileRows, look, '"><script>alert(1)</script>');
    assert.equal(malformed(picture), "", JSON.stringify(look));
    assert.ok(!picture.includes("<script"));
  }
});

test("a field's name may have dots and brackets", async () => {
  const rows = [{ "a.b[0]": "x", "m/s": 3 }];
  assert.match((await chart(rows, { bars: { name: "a.b[0]", value: "m/s" } })).picture, />x</);
});

const refused = (rows: readonly ChartRow[], look: ChartLook) =>
  chart(rows, look).then(
    () => assert.fail("was drawn"),
    (error) => String(error),
  );

test("what cannot be drawn says why, and what to try", async () => {
  const missing = await refused(totals, { bars: { name: "client", value: "mesages" } });
  assert.match(missing, /^BAD_ARGUMENT: no row of the chart has the field "mesages"\nTry: .*"client", "messages"/);
  const encoding = { x: { field: "nowhere" } };
  assert.match(
    await refused(totals, { spec: { mark: "bar", encoding } }),
    /no row of the chart has the field "nowhere"/,
  );
  assert.match(await refused(totals, { spec: { mark: "no such mark" } }), /^BAD_ARGUMENT: Vega cannot draw/);
  assert.match(await refused(totals, {}), /^BAD_ARGUMENT: a chart says how/);
  assert.match(await refused(totals, { spec: { mark: "bar" }, ...price }), /one of heat, spec, not several/);
  const many = Array.from({ length: 5_001 }, (_, x) => ({ x }));
  assert.match(await refused(many, { spec: { mark: "bar" } }), /5001 rows; 5000 is the most/);
});

test("a specification that would load something is refused before Vega sees it", async () => {
  const url = "http://127.0.0.1:9/data.json";
  for (const spec of [
    { data: { url }, mark: "bar" },
    { mark: { type: "image" }, encoding: { url: { field: "client" } } },
    { mark: "bar", encoding: { href: { field: "client" } } },
    { layer: [{ data: { url }, mark: "bar" }] },
    { mark: "bar", transform: [{ lookup: "client", from: { key: "client", data: { url } } }] },
    { mark: "bar", params: [{ name: "x", bind: { input: "range" } }] },
  ]) {
    assert.match(await refused(totals, { spec }), /has no "[a-z0-9.]*(url|data|href|type|bind)"/, JSON.stringify(spec));
  }
});

test("a notebook's data draw the same picture again", async () => {
  for (const look of [price, { bars: { name: "published at", value: "packets" } }] as const) {
    const first = await chart(prices, look);
    const kept = JSON.parse(JSON.stringify(bundle(first)[VIEW_MIME])) as ViewData;
    assert.equal(redraw(kept)?.picture, first.picture);
  }
});

test("a chart whose colours are not the theme's is left as the notebook has it", async () => {
  const shaded = {
    mark: "rect",
    encoding: { x: { field: "published at" }, color: { field: "packets", type: "quantitative" } },
  } as const;
  const first = await chart(prices, { spec: shaded });
  assert.equal(redraw(first), undefined);
});

test("Vega is loaded when the first chart is drawn, not with the helpers", () => {
  const script = `
    const { showChart } = require("kernel-helpers");
    const loaded = () => Object.keys(require.cache).some((file) => /[\\\\/]vega[\\\\/]load\\.cjs$/.test(file));
    const before = loaded();
    showChart({ title: "t", rows: [{ a: "x", b: 1 }], bars: { name: "a", value: "b" } })
      .then(() => console.log(JSON.stringify([before, loaded()])));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  assert.equal(stdout.trim(), "[false,true]", stderr);
  assert.equal(stderr, "");
});
