import assert from "node:assert/strict";
import { test } from "node:test";
import { samples } from "kernel-helpers/dist/tools/gallery";
import { deliveries, firstPackets, hostile, many } from "kernel-helpers/dist/tools/gallery-samples";
import { bytesView } from "kernel-helpers/dist/views/bytes";
import { cardView, hintView, predictView, revealView } from "kernel-helpers/dist/views/card";
import { ladderView } from "kernel-helpers/dist/views/ladder";
import { logView } from "kernel-helpers/dist/views/log";
import { packetsView } from "kernel-helpers/dist/views/packets";
import type { PacketRecord } from "kernel-helpers/dist/views/record";
import { sequenceView } from "kernel-helpers/dist/views/sequence";
import { tableView } from "kernel-helpers/dist/views/table";
import { topologyView } from "kernel-helpers/dist/views/topology";
import { bundle, VIEW_MIME, type View } from "kernel-helpers/dist/views/view";
import { malformed } from "./well-formed";

const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal would obey them
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** What every picture owes its readers, whatever is in it. */
function owes(name: string, view: View): void {
  const { picture, text } = view;
  assert.equal(malformed(picture), "", `${name} is well-formed`);
  const tags = [...picture.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
  const forbidden = /^<(script|style|iframe|object|foreignObject|image|a)\b|\s(id|on\w+|href|src|class)=/i;
  assert.deepEqual(
    tags.filter((tag) => forbidden.test(tag)),
    [],
    `${name} has no ids and nothing that acts`,
  );
  assert.ok(!UNSAFE.test(text), `${name}: text is safe for a terminal:\n${JSON.stringify(text)}`);
  assert.notEqual(text.trim(), "", name);
  assert.deepEqual(JSON.parse(JSON.stringify(view.data)), withoutUndefined(view.data), `${name}: data survive JSON`);
  if (view.as === "svg") {
    assert.match(
      picture,
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" role="img" [^>]*><title>[^<]+<\/title><desc>[^<]+<\/desc>/,
      name,
    );
    assert.ok(Buffer.byteLength(picture) <= 30_000, `${name}: ${Buffer.byteLength(picture)} bytes of SVG`);
    assert.ok(!/NaN|Infinity|undefined/.test(picture), name);
  } else assert.ok(!picture.includes("<svg"), `${name}: inline SVG is lost in an untrusted notebook`);
}

const withoutUndefined = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutUndefined)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, withoutUndefined(one)]])),
        )
      : value;

const FAULTS = ["dropped", "cut", "delayed", "held", "frozen", "corrupted", "split", "coalesced"] as const;

test("what the tap did to a packet is said in words, and crossed where it never arrived", () => {
  const of = (fault: (typeof FAULTS)[number], more = {}) =>
    sequenceView([
      {
        number: 1,
        at: 10,
        direction: "to-broker",
        connection: 1,
        packet: { type: "PINGREQ" },
        bytes: "c0 00",
        fault,
        ...more,
      },
    ]);
  const words: [ReturnType<typeof of>, RegExp, boolean][] = [
    [of("dropped"), /dropped by the tap/, true],
    [of("cut"), /connection cut here/, true],
    [of("delayed", { forwardedAt: 130 }), /delayed by the tap for 120\.0 ms/, false],
    [of("held"), /held by the tap/, false],
    [of("frozen"), /connection frozen/, true],
    [of("frozen", { forwardedAt: 1510 }), /connection frozen for 1\.500 s/, false],
    [
      of("corrupted", { corruption: { at: 1, was: 0, is: 255 } }),
      /corrupted by the tap: byte 1 0x00 became 0xFF/,
      false,
    ],
    [of("split"), /split by the tap/, false],
    [of("coalesced"), /in one write with others/, false],
  ];
  for (const [picture, said, crossed] of words) {
    const text = picture.text;
    assert.match(text, said);
    assert.equal(text.includes("✗"), crossed, text);
  }
});

test("every sample of the gallery keeps the rules of pictures", async () => {
  for (const { name, view } of await samples()) owes(name, view);
});

test("an untrusted notebook keeps every style that pictures use", async () => {
  // The properties that JupyterLab's sanitiser lets through, as far as we use them.
  const kept = new Set(
    (
      "background-color border border-bottom border-bottom-color border-collapse border-left border-radius border-right " +
      "border-top caption-side color cursor display font-family font-size font-weight height line-height margin max-width " +
      "min-width overflow overflow-wrap overflow-x padding padding-left text-align vertical-align white-space width"
    ).split(" "),
  );
  for (const { name, view } of await samples()) {
    if (view.as !== "html") continue;
    for (const [, style = ""] of view.picture.matchAll(/style="([^"]*)"/g)) {
      for (const rule of style.split(";").filter(Boolean)) {
        const [property = "", value = ""] = rule.split(":").map((part) => part.trim());
        assert.ok(kept.has(property), `${name}: ${property}`);
        assert.doesNotMatch(value, /url|var\(|["'\\]|&quot;/, `${name}: ${rule}`);
      }
    }
  }
});

/** A fixed stream of numbers, so that a failure comes back. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const PIECES = [
  "<",
  ">",
  "&",
  '"',
  "'",
  "]]>",
  "<!--",
  "-->",
  "</text>",
  "\u0000",
  "\u001b[2J",
  "\u202e",
  "\u2066",
  "\ud83d",
  "\udc00",
  "\ufffe",
  "👩‍🔬",
  "שלום",
  "Ω",
  "a",
  " ",
  "\n",
  "\t",
  "x".repeat(90),
  "&#0;",
  "&nbsp",
  "{",
  "`",
  "$&",
];

test("no text from the wire breaks a picture or makes it too large", () => {
  const next = random(20_240_611);
  const any = () =>
    Array.from({ length: Math.floor(next() * 12) }, () => PIECES[Math.floor(next() * PIECES.length)]).join("");
  const types = [
    "publish",
    "connect",
    "connack",
    "subscribe",
    "suback",
    "unsubscribe",
    "disconnect",
    "auth",
    "MALFORMED",
    any(),
  ];
  for (let round = 0; round < 25; round++) {
    const records = Array.from(
      { length: Math.floor(next() * 60) },
      (_, i): PacketRecord => ({
        number: i + 1,
        at: next() * 1e4 * i,
        direction: next() < 0.5 ? "to-broker" : "to-client",
        connection: Math.floor(next() * 7),
        clientId: next() < 0.5 ? any() : undefined,
        packet: {
          type: types[Math.floor(next() * types.length)] as string,
          topic: any(),
          payload: next() < 0.5 ? any() : new TextEncoder().encode(any()),
          clientId: any(),
          subscriptions: [{ topicFilter: any(), qos: any() }, null, any()],
          reasonCodes: [any(), 135, null],
          reasonCode: next() < 0.5 ? 135 : any(),
          qos: Math.floor(next() * 4),
          problem: next() < 0.2 ? any() : undefined,
          claims: any(),
          properties: next() < 0.5 ? { topicAlias: 3, [any()]: any() } : any(),
        },
        bytes: next() < 0.5 ? any() : new TextEncoder().encode(any()),
        fields: [{ name: any(), start: Math.floor(next() * 20) - 5, end: Math.floor(next() * 20), text: any() }],
        explanation: [any()],
        reason: any(),
        fault: next() < 0.2 ? FAULTS[Math.floor(next() * FAULTS.length)] : undefined,
        corruption: next() < 0.2 ? { at: any() as never, was: any() as never, is: 3 } : undefined,
        forwardedAt: next() < 0.2 ? (any() as never) : undefined,
      }),
    );
    const title = any() || "x";
    owes("sequence", sequenceView(records, { title }));
    owes("packets", packetsView(records, { caption: title }));
    owes("bytes", bytesView(new TextEncoder().encode(any()), records[0]?.fields ?? [], { title }));
    owes("log", logView([{ number: 1, text: any(), meaning: any(), weight: "error" }], { caption: title }));
    owes("table", tableView({ caption: title, columns: [any(), any()], rows: [[any(), any()], [any()]] }));
    owes("ladder", ladderView([{ name: any(), state: "failed", evidence: any() }], { title }));
    const ids = [any(), any(), any()];
    owes(
      "topology",
      topologyView({
        title,
        nodes: ids.map((id) => ({ id, kind: "broker", detail: any() })),
        edges: [
          { from: ids[0]!, to: ids[1]!, label: any(), state: "down" },
          { from: ids[2]!, to: ids[2]! },
          { from: any(), to: ids[0]! },
        ],
      }),
    );
    const finding = { what: any(), ok: next() < 0.5, expected: any(), observed: any() };
    owes(
      "check",
      cardView({
        id: any(),
        status: "failed",
        points: 2,
        score: 0,
        findings: [finding],
        evidence: [{ title: any(), lines: [any()] }],
        reasons: [any()],
        next: any(),
      }),
    );
    owes("reveal", revealView({ id: any(), choices: { a: any(), b: any() }, guess: any(), answer: "b" }));
    owes("predict", predictView({ id: any(), choices: { a: any(), [any()]: any() }, guess: null }));
    owes("hint", hintView({ id: any(), step: 1, of: 3, text: any() }));
  }
});

test("long recordings fold their middle and say how many packets are not shown", () => {
  for (const view of [sequenceView(many(500)), packetsView(many(500))]) {
    assert.match(view.picture, /460 packets not shown: 21 to 480/);
    assert.match(view.text, /460 packets not shown: 21 to 480/);
    assert.equal(view.data.total, 500);
    assert.equal(view.data.packets.length, 400);
  }
  assert.doesNotMatch(sequenceView(many(40)).picture, /not shown/);
});

test("the worst sequence stays below 30 kB: long ids, topics and payloads of wide characters", () => {
  const worst = many(40).map(
    (record, i): PacketRecord => ({
      ...record,
      clientId: `"&<${"𝕏".repeat(300)}${i % 6}`,
      connection: i % 6,
      packet: {
        type: "publish",
        qos: 1,
        dup: true,
        retain: true,
        topicName: "&\"'<".repeat(200),
        payload: "<".repeat(5000),
        packetIdentifier: 65535,
      },
    }),
  );
  owes("worst", sequenceView(worst, { title: "<&>".repeat(40) }));
});

test("a view of saved packets draws the same picture again", () => {
  for (const records of [firstPackets, deliveries, hostile]) {
    const first = sequenceView(records);
    const saved = JSON.parse(JSON.stringify(bundle(first)["application/vnd.mqtt-notebooks.view+json"]));
    assert.equal(sequenceView(saved.data.packets).picture, first.picture);
    assert.equal(packetsView(saved.data.packets).picture, packetsView(records).picture);
  }
});

test("a binary payload and an empty one are told apart from text", () => {
  const label = (payload: unknown) =>
    packetsView([
      {
        number: 1,
        at: 0,
        direction: "to-broker",
        connection: 1,
        packet: { type: "publish", qos: 0, topicName: "t", payload },
        bytes: "",
      },
    ]).text;
  assert.match(label(Uint8Array.of(0xff, 0x00, 0x10)), /bytes ff 00 10/);
  assert.match(label(new Uint8Array()), /\(empty payload\)/);
  assert.match(label(new TextEncoder().encode("21.5")), /"21\.5"/);
});

test("a packet that never arrived is crossed out, in the picture and in the text", () => {
  const view = sequenceView(deliveries);
  assert.match(view.picture, /never arrived/);
  assert.match(view.text, /dashboard ─✗─▶ broker +PUBACK {2}id \d+ {2}dropped by the tap/);
});

test("lines of two logs in one table are told apart, and meanings show their code as code", () => {
  const line = (number: number, text: string, meaning = "") => ({ number, text, meaning });
  const { picture, text } = logView([
    line(17, "terminating"),
    line(18, "Saving"),
    line(1, "starting", "A `listener` line opens the broker."),
    line(2, "running"),
  ]);
  assert.equal(picture.match(/here another log begins/g)?.length, 1);
  assert.ok(picture.indexOf("another log") < picture.indexOf("starting"));
  assert.ok(picture.indexOf("another log") > picture.indexOf("Saving"));
  assert.match(text, /18 +Saving[^\n]*\n[^\n]*here another log begins[^\n]*\n[^\n]*1 +starting/);
  assert.match(picture, /A <span style="font-family:[^"]*"><bdi>listener<\/bdi><\/span> line/);
});

test("a narrow table leaves its caption on one line", () => {
  const { picture } = tableView({
    caption: "The retained value after each end",
    columns: ["end", "value"],
    rows: [["kill", 1]],
  });
  const [, least = ""] = /^<div[^>]*><table style="min-width:(\d+)px/.exec(picture) ?? [];
  assert.ok(Number(least) > 200 && Number(least) <= 520, least);
});

test("an unfolded packet fits beside a file browser: names of fields break instead of running out of sight", () => {
  const { picture } = packetsView(firstPackets);
  const widest = [...picture.matchAll(/<pre[^>]*>([\s\S]*?)<\/pre>/g)].flatMap(([, inner = ""]) =>
    inner
      .replace(/<[^>]*>/g, "")
      .replace(/&[a-z#\d]+;/g, "x")
      .split("\n")
      .map((line) => line.length),
  );
  assert.ok(widest.length > 20);
  assert.ok(Math.max(...widest) <= 66, `${Math.max(...widest)} columns`);
  assert.match(picture, /<b>Packet type and flags<\/b>[\s\S]*PUBLISH, QoS 1, RETAIN/);
});

test("an SVG goes to Jupyter's pages as an image with words, whatever characters it has", () => {
  const made = sequenceView(hostile, { title: 'Größe & <b onload="x">' });
  const shown = bundle(made);
  const html = String(shown["text/html"]);
  const [, alt, data] = /<img alt="([^"]*)" src="data:image\/svg\+xml;base64,([^"]*)"/.exec(html) ?? [];
  assert.equal(alt, "Größe &amp; &lt;b onload=&quot;x&quot;&gt;");
  assert.equal(Buffer.from(data ?? "", "base64").toString(), made.picture);
  assert.equal(shown["image/svg+xml"], made.picture);
  const [, width, least] = /style="display:block;width:(\d+)px;min-width:(\d+)px;max-width:100%;/.exec(html) ?? [];
  assert.ok(made.picture.includes(` width="${width}" `));
  assert.equal(Number(least), Math.round(Number(width) * 0.85), "it gives way to a window a little narrower");
  const words = /<pre style="[^"]*clip:rect[^"]*">([^<]*)<\/pre>/.exec(html)?.[1] ?? "";
  const plain = words.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES[name] ?? "");
  assert.equal(plain, made.text);
  const table = bundle(tableView({ caption: "c", columns: ["a"], rows: [[1]] }));
  assert.deepEqual(Object.keys(table), [VIEW_MIME, "text/html", "text/plain"]);
});

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
