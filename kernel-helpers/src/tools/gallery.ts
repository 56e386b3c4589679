import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { cachePath } from "../core/paths";
import { explainLog } from "../mqtt/explain-log";
import { bytesView } from "../views/bytes";
import { cardView, hintView, predictView, revealView } from "../views/card";
import { type ChartLook, type ChartRow, chartView } from "../views/chart";
import { escapeText } from "../views/escape";
import { ladderView } from "../views/ladder";
import { logView } from "../views/log";
import { logsView } from "../views/logs";
import { packetsView } from "../views/packets";
import { sequenceView } from "../views/sequence";
import { sightView } from "../views/sight";
import { tableView } from "../views/table";
import { timelineView } from "../views/timeline";
import { tlsView } from "../views/tls";
import { topicsOf, topicsView } from "../views/topics";
import { topologyView } from "../views/topology";
import type { View } from "../views/view";
import { printError, type Tool } from "./cli";
import { log } from "./gallery/recordings";
import {
  deliveries,
  firstPackets,
  hostile,
  hostileRows,
  inFlight,
  many,
  overflow,
  plantPackets,
  plantTopics,
  prices,
  rates,
  refused,
  totals,
  traffic,
  types,
} from "./gallery-samples";
import { exitCodeFor } from "./words";

/** Every picture with sample data: what a change of the views is looked at with. */
export async function samples(): Promise<{ name: string; view: View }[]> {
  const all = [...packetSamples(), ...systemSamples(), ...(await chartSamples()), ...lessonSamples()];
  return all.map(([name, view]) => ({ name, view }));
}

function packetSamples(): [string, View][] {
  return [
    ["sequence", sequenceView(deliveries, { title: "One value, three guarantees" })],
    ["sequence, one client", sequenceView(firstPackets, { title: "The first packets" })],
    [
      "sequence, unfolded",
      sequenceView(firstPackets, { title: "The first packets, two of them by bytes", unfold: [3, 4] }),
    ],
    ["sequence, folded", sequenceView(plantPackets, { title: "A plant" })],
    ["sequence, refused", sequenceView(refused, { title: "What a broker refuses" })],
    ["sequence, one packet", sequenceView(firstPackets.slice(0, 1))],
    ["sequence, hostile text", sequenceView(hostile)],
    ["sequence, 500 packets", sequenceView(many(500))],
    ["sequence, nothing yet", sequenceView([])],
    ["packets", packetsView(firstPackets, { caption: "What the tap saw", unfold: [3] })],
    ["packets, several clients", packetsView(deliveries)],
    ["packets, refused", packetsView(refused, { caption: "What a broker refuses" })],
    ["packets, hostile text", packetsView(hostile)],
    ["packets, 500", packetsView(many(500))],
    ["packets, nothing yet", packetsView([])],
    ["bytes", bytesView(firstPackets[2]?.bytes ?? "", firstPackets[2]?.fields, { title: "PUBLISH, packet 3" })],
    [
      "bytes, long",
      bytesView(
        new Uint8Array(4000).map((_, i) => i),
        [{ name: "header", start: 0, end: 5 }],
      ),
    ],
  ];
}

const HOPS = [
  { name: "process", state: "ok", evidence: "mosquitto 2.1.2 runs, log: “mosquitto version 2.1.2 running”" },
  { name: "container", state: "ok", evidence: "healthy for 1.4 s, image built from debian:forky-slim" },
  { name: "port map", state: "ok", evidence: "127.0.0.1:49153 leads to 1883 inside" },
  { name: "TCP", state: "failed", evidence: "the port accepts, then closes after 1 ms: nobody listens behind the map" },
  { name: "MQTT", state: "not reached" },
] as const;

const SIGHT = {
  title: "One setpoint on three ways",
  viewers: ["eavesdropper", "broker", "receiver"],
  ways: [
    {
      name: "1883",
      detail: "plain",
      sees: [
        { text: "boiler/3/setpoint 71.5", reads: true },
        { text: "boiler/3/setpoint 71.5", reads: true },
        { text: "71.5", reads: true },
      ],
    },
    {
      name: "8883, sealed payload",
      detail: "TLS, and AES-GCM from end to end",
      sees: [
        { text: "12 records, 2,310 bytes", reads: false },
        { text: "boiler/3/setpoint, 32 bytes of noise", reads: false },
        { text: "71.5", reads: true },
      ],
    },
  ],
};

const RECORDS = (
  [
    ["to-broker", "handshake", 517, [["ClientHello", "TLS 1.3 or 1.2", "server name broker.plant.example"]]],
    ["to-client", "handshake", 127, [["ServerHello", "TLS 1.3", "TLS_AES_256_GCM_SHA384"]]],
    ["to-client", "change cipher spec", 6, []],
    ["to-client", "application data", 1_402, []],
    ["to-broker", "application data", 79, []],
    ["to-broker", "alert", 7, [["alert certificate_required", "fatal"]]],
  ] as const
).map(([direction, type, length, messages], i) => ({
  number: i + 1,
  direction,
  type,
  length,
  encrypted: type === "application data",
  messages: messages.map(([name, ...says]) => ({ name, says })),
}));

const LOGS = {
  lanes: ["leaf", "hub"],
  lines: [
    { at: 0, lane: "leaf", text: "Connecting bridge to-hub (hub:1883)", meaning: "the bridge dials the hub" },
    { at: 4, lane: "hub", text: "New bridge connected from 172.18.0.3:40312 as leaf.to-hub (p2, c0, k60)." },
    { at: 9, lane: "leaf", text: "Received PUBLISH from meter (d0, q1, r0, m1, 'boiler/3/temp', ... (4 bytes))" },
    { at: 10, lane: "leaf", text: "Sending PUBLISH to leaf.to-hub (d0, q1, r0, m1, 'boiler/3/temp', ... (4 bytes))" },
    { at: 11, lane: "hub", text: "Received PUBLISH from leaf.to-hub (d0, q1, r0, m1, 'leaf/boiler/3/temp')" },
    { at: 4_020, lane: "hub", text: "mosquitto version 2.1.2 terminating", weight: "notice" as const },
    {
      at: 4_031,
      lane: "leaf",
      text: "Client local.leaf.to-hub disconnected: connection lost.",
      weight: "warning" as const,
    },
    { at: 9_100, lane: "leaf", text: "Error creating bridge: Connection refused.", weight: "error" as const },
  ].map((line, i) => ({ ...line, number: i + 1 })),
};

function systemSamples(): [string, View][] {
  return [
    ["ladder, failing", ladderView(HOPS, { title: "Container running, broker unreachable" })],
    [
      "ladder, green",
      ladderView([
        HOPS[0],
        { name: "container", state: "not applicable", evidence: "the embedded engine has none" },
        { name: "port map", state: "not applicable", evidence: "the broker listens on 127.0.0.1:41873 itself" },
        { name: "TCP", state: "ok", evidence: "connected in 0.4 ms" },
        { name: "MQTT", state: "ok", evidence: "CONNACK 0x00 success in 2 ms" },
      ]),
    ],
    ["ladder, nothing yet", ladderView([])],
    ["TLS records", tlsView(RECORDS, { caption: "What an eavesdropper gets" })],
    ["who reads what", sightView(SIGHT)],
    ["who reads what, nothing yet", sightView({ title: "Who reads what", viewers: [], ways: [] })],
    [
      "topology",
      topologyView({
        title: "Three plants and a hub",
        nodes: [
          { id: "hub", kind: "broker", state: "up", detail: "mosquitto 2.1.2" },
          { id: "north", kind: "broker", state: "up", detail: "mosquitto 2.1.2" },
          { id: "south", kind: "broker", state: "down", detail: "exit code 137" },
          { id: "west", kind: "broker", state: "paused" },
          { id: "dashboard", kind: "client", state: "up" },
          { id: "historian", kind: "service", state: "up", detail: "HTTP 8086" },
          { id: "meter-1", kind: "client", state: "up" },
          { id: "meter-2", kind: "client", state: "down", detail: "keep alive exceeded" },
          { id: "meter-3", kind: "client", state: "up" },
        ],
        edges: [
          { from: "north", to: "hub", kind: "bridge", state: "up", label: "# out 1" },
          { from: "south", to: "hub", kind: "bridge", state: "down", label: "# both 1" },
          { from: "west", to: "hub", kind: "bridge", state: "unknown", label: "alerts/# out 2" },
          { from: "dashboard", to: "hub", label: "boiler/#" },
          { from: "historian", to: "hub" },
          { from: "meter-1", to: "north" },
          { from: "meter-2", to: "north", state: "down" },
          { from: "meter-3", to: "south" },
        ],
      }),
    ],
    [
      "topology, a mesh",
      topologyView({
        title: "A loop",
        nodes: ["a", "b", "c"].map((id) => ({ id, kind: "broker" as const, state: "up" as const })),
        edges: [
          { from: "a", to: "b", kind: "bridge", state: "up", label: "# both 0" },
          { from: "b", to: "c", kind: "bridge", state: "up", label: "# both 0" },
          { from: "c", to: "a", kind: "bridge", state: "up", label: "# both 0" },
        ],
      }),
    ],
    ["topics", topicsView({ ...topicsOf(plantPackets), title: "A plant, as the tap saw it" })],
    ["topics, counted by hand", topicsView(plantTopics)],
    ["topics, hostile text", topicsView({ ...topicsOf(hostile), title: "What strangers publish" })],
    [
      "topics, 300",
      topicsView({ topics: Array.from({ length: 300 }, (_, i) => ({ topic: `plant/${i % 7}/meter/${i}`, count: i })) }),
    ],
    ["topics, nothing yet", topicsView({ topics: [] })],
    ["timeline", timelineView(inFlight)],
    ["timeline, many events", timelineView(overflow)],
    ["timeline, nothing yet", timelineView({ lanes: [] })],
    ["topology, nothing yet", topologyView({ nodes: [], edges: [] })],
    ["log", logView(explained(log))],
    ["logs of two brokers", logsView(LOGS, { caption: "A message on its way" })],
    ["logs without a line", logsView({ lanes: ["leaf", "hub"], lines: [] })],
    [
      "table",
      tableView({
        caption: "Delivered QoS is the smaller of the two",
        columns: ["Published at", "Subscribed at 0", "Subscribed at 1", { title: "Topic", mono: true }],
        rows: [
          ["QoS 0", 0, 0, "boiler/3/temp"],
          ["QoS 1", 0, 1, "<script>alert(1)</script>"],
          ["QoS 2", 0, null, "קומקום/שלוש"],
        ],
      }),
    ],
    ["table, nothing yet", tableView({ caption: "Counters", columns: ["Topic", "Value"], rows: [] })],
  ];
}

async function chartSamples(): Promise<[string, View][]> {
  const chart = async (name: string, title: string, rows: readonly ChartRow[], look: ChartLook) =>
    [`chart, ${name}`, await chartView({ title, rows, ...look })] as [string, View];
  const value = ["packets", "bytes", "latency (ms)"];
  const limit = { value: 4_000, label: "4 kB" };
  return [
    await chart("heat maps", "What each pair of QoS costs", prices, {
      heat: { x: "subscribed at", y: "published at", value },
    }),
    await chart("a line and its limit", "Bytes through the tap", traffic, {
      lines: { x: "ms", y: "bytes so far", area: true, steps: true, limit },
    }),
    await chart("several lines", "Messages so far", rates, { lines: { x: "ms", y: "messages", by: "client" } }),
    await chart("bars", "Messages by client", totals, { bars: { name: "client", value: "messages" } }),
    await chart("bars, side by side", "Packets by type and direction", types, {
      bars: { name: "type", value: "packets", by: "direction" },
    }),
    await chart("a specification", "Latency by QoS", prices, {
      spec: {
        mark: "bar",
        height: 160,
        encoding: {
          x: { field: "published at", type: "nominal", axis: { labelAngle: 0 } },
          xOffset: { field: "subscribed at" },
          y: { field: "latency (ms)", type: "quantitative" },
          color: { field: "subscribed at", type: "nominal" },
        },
      },
    }),
    await chart("hostile text", '<b onload="x">', hostileRows, { bars: { name: "topic", value: "messages" } }),
    await chart("nothing yet", "Messages by client", [], { bars: { name: "client", value: "messages" } }),
  ];
}

const EPOCH = /^\d{9,}: /;

/** As showLog does it, which stands on a higher floor's log book. */
function explained(texts: readonly string[]) {
  const meanings = explainLog([...texts]);
  return texts.map((text, i) => ({ ...meanings[i], number: i + 1, text: text.replace(EPOCH, "") }));
}

const FINDINGS = [
  { what: "the late subscriber gets one message", ok: true, expected: "1", observed: "1" },
  { what: "it carries RETAIN", ok: false, expected: "true", observed: "false" },
];

function lessonSamples(): [string, View][] {
  const base = { id: "retained-1", points: 2, reasons: [], next: "" };
  return [
    [
      "check, passed",
      cardView({
        ...base,
        status: "passed",
        score: 2,
        findings: FINDINGS.map((one) => ({ ...one, ok: true, observed: one.expected })),
        evidence: [],
      }),
    ],
    [
      "check, failed",
      cardView({
        ...base,
        status: "failed",
        score: 0,
        findings: FINDINGS,
        evidence: [
          {
            title: "The deciding packet",
            lines: [
              '12  broker to late-7f3a: PUBLISH  QoS 1  boiler/3/temp  "71.5"  id 1',
              "The RETAIN bit (0x01 of the first byte, 0x32) is not set.",
            ],
          },
        ],
        next: "look at the options of the publish call: which of them asks the broker to keep the value?",
      }),
    ],
    [
      "check, partly",
      cardView({
        ...base,
        status: "partly",
        score: 1,
        findings: FINDINGS,
        evidence: [],
        reasons: ["1 point: the message arrives"],
        next: "the second row is not met yet",
      }),
    ],
    [
      "check, untouched",
      cardView({
        ...base,
        status: "untouched",
        score: 0,
        findings: [],
        evidence: [],
        reasons: ["answer is still empty"],
        next: "write your line in the cell above",
      }),
    ],
    [
      "check, unavailable",
      cardView({
        ...base,
        status: "unavailable",
        score: 0,
        findings: [],
        evidence: [],
        reasons: ["mosquitto 2.0.11 sends no topic alias; 2.1.2 does"],
      }),
    ],
    [
      "prediction",
      predictView({
        id: "late-subscriber",
        choices: { none: "nothing", last: "the last value", all: "all values" },
        guess: null,
      }),
    ],
    [
      "reveal, right",
      revealView({
        id: "late-subscriber",
        choices: { none: "nothing", last: "the last value" },
        guess: "last",
        answer: "last",
      }),
    ],
    [
      "reveal, wrong",
      revealView({
        id: "late-subscriber",
        choices: { none: "nothing", last: "the last value" },
        guess: "none",
        answer: "last",
      }),
    ],
    [
      "reveal, no forecast",
      revealView({
        id: "late-subscriber",
        choices: { none: "nothing", last: "the last value" },
        guess: null,
        answer: "last",
      }),
    ],
    [
      "hint",
      hintView({
        id: "late-1",
        step: 3,
        of: 3,
        text: "Ask the broker to keep it, with `retain`:\n\n```ts\nawait sensor.mqtt.publishAsync(topic, value, { qos: 1, retain: … });\n```",
      }),
    ],
  ];
}

const STYLE =
  "font-family:system-ui,sans-serif;margin:24px;max-width:1500px}" +
  "h2{font-size:14px;font-weight:600;margin:28px 0 8px}.both{display:flex;flex-wrap:wrap;gap:20px}" +
  ".both>*{flex:1 1 480px;min-width:0;overflow-x:auto}.both>.picture{flex-basis:640px}" +
  "pre{font-size:12px;line-height:1.4}.text{margin:0}a{color:inherit}" +
  // On a screen a wide picture scrolls, as in JupyterLab; paper can't.
  "@media screen{.picture svg{max-width:none!important}}" +
  "@media print{body{margin:0}.both{display:block}.both>*{overflow:visible}h2{break-after:avoid}" +
  ".picture svg{max-height:85vh}.picture>div{zoom:.84}" +
  ".text{font-size:9px;white-space:pre-wrap}}";

/** One page, on light or on dark ground: each picture as a page has it, and beside it what a terminal has instead. */
export async function galleryPage(ground: "light" | "dark" = "light"): Promise<string> {
  const [back, ink] = ground === "light" ? ["#ffffff", "#1b1f24"] : ["#111111", "#e6e6e6"];
  const shown = (await samples()).map(({ name, view }) => {
    const title = escapeText(name);
    const text = view.text.split("\n").map(escapeText).join("\n");
    return (
      `<section data-sample="${title}"><h2>${title}</h2><div class="both">` +
      `<div class="picture" role="group" tabindex="0" aria-label="${title}: picture">${view.picture}</div>` +
      `<pre class="text" role="region" tabindex="0" aria-label="${title}: text">${text}</pre></div></section>`
    );
  });
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gallery of pictures</title>` +
    `<style>body{background:${back};color:${ink};${STYLE}</style></head><body><main><h1>Gallery of pictures</h1>` +
    `<p>What a real broker's packets look like; strangers' text and long recordings are made by hand. ` +
    `<a href="index.html">light</a> · <a href="dark.html">dark</a></p>${shown.join("")}</main></body></html>`
  );
}

/** Writes both pages into the cache and says where. */
export async function writeGallery(): Promise<string> {
  const file = cachePath("gallery", "index.html");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await galleryPage("light"));
  writeFileSync(cachePath("gallery", "dark.html"), await galleryPage("dark"));
  return file;
}

/** `npm run gallery`. */
export const main: Tool = async ({ options }) => {
  try {
    if (options.record) {
      const { recordStories } = await import("./gallery/record");
      console.log(`Recorded: ${await recordStories()}\nRun npm run gallery once more to see it.`);
      return 0;
    }
    console.log(`Gallery: ${await writeGallery()}`);
    return 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};
