import assert from "node:assert/strict";
import { test } from "node:test";
import { plantTopics } from "kernel-helpers/dist/tools/gallery-samples";
import { redraw } from "kernel-helpers/dist/views/draw";
import type { PacketRecord } from "kernel-helpers/dist/views/record";
import { topicsOf, topicsView } from "kernel-helpers/dist/views/topics";
import { bundle, VIEW_MIME, type ViewData } from "kernel-helpers/dist/views/view";
import { malformed } from "./well-formed";

let number = 0;
const record = (up: boolean, clientId: string, packet: PacketRecord["packet"]): PacketRecord => ({
  number: ++number,
  at: number,
  direction: up ? "to-broker" : "to-client",
  connection: clientId.length,
  clientId,
  packet,
  bytes: "",
});
const publish = (up: boolean, clientId: string, topicName: string) =>
  record(up, clientId, { type: "PUBLISH", topicName });
const subscribe = (clientId: string, ...filters: string[]) =>
  record(true, clientId, { type: "SUBSCRIBE", subscriptions: filters.map((topicFilter) => ({ topicFilter, qos: 1 })) });

test("packets become topics, subscribers and what reached them", () => {
  const { topics, readers } = topicsOf([
    subscribe("board", "a/#", "b"),
    publish(true, "meter", "a/1"),
    publish(true, "meter", "a/1"),
    publish(true, "meter", "c"),
    publish(false, "board", "a/1"),
    publish(false, "board", "a/1"),
  ]);
  assert.deepEqual(topics, [
    { topic: "a/1", count: 2 },
    { topic: "c", count: 1 },
  ]);
  const { readers: shown } = topicsView({ topics, readers }).data;
  assert.deepEqual(shown, [{ name: "board", filters: ["a/#", "b"], received: [{ topic: "a/1", count: 2 }] }]);
});

test("what a client settles with, and an empty name behind an alias, are no topics", () => {
  const { topics, readers } = topicsOf([
    subscribe("board", "$settled/1f"),
    publish(true, "board", "$settled/1f"),
    publish(false, "board", "$settled/1f"),
    publish(false, "board", ""),
  ]);
  assert.deepEqual([topics, readers], [[], []]);
});

test("the text has a row for each topic and a column for each subscriber", () => {
  const { text } = topicsView(plantTopics);
  assert.match(text, /^One plant, three subscriptions\n\nhall north: plant\/north\/#\ntemperatures: /);
  const cells = (topic: string) =>
    text
      .split("\n")
      .find((line) => line.startsWith(`${topic} `))
      ?.split(/ {2,}/);
  assert.deepEqual(cells("plant/north/boiler/1/temp"), ["plant/north/boiler/1/temp", "12", "12", "12", "·"]);
  assert.deepEqual(cells("/plant/south/boiler/3/temp"), ["/plant/south/boiler/3/temp", "1", "·", "·", "·"]);
});

test("a leading slash is a level of its own, and stands in the picture as one", () => {
  const { picture } = topicsView({ topics: [{ topic: "/plant", count: 1 }] });
  assert.match(picture, /\(empty level\)/);
  assert.doesNotMatch(topicsView({ topics: [{ topic: "plant", count: 1 }] }).picture, /\(empty level\)/);
});

test("a topic that is a level of others too counts at its own row", () => {
  const data = {
    topics: [
      { topic: "a", count: 3 },
      { topic: "a/b", count: 5 },
    ],
  };
  const levels = [...topicsView(data).picture.matchAll(/>(\d+)<\/text>/g)].map((match) => match[1]);
  assert.deepEqual(levels, ["3", "5"]);
});

test("topics delivered from elsewhere are drawn, and their publishing is not made up", () => {
  const view = topicsView({
    topics: [],
    readers: [{ name: "late", filters: ["#"], received: [{ topic: "x", count: 2 }] }],
  });
  assert.match(view.text, /^x +· +2$/m);
});

test("the reach is painted: marks for what arrived, a dot for what did not", () => {
  const { picture } = topicsView(plantTopics);
  assert.equal(picture.match(/>✓ \d+</g)?.length, 8);
  assert.equal(picture.match(/>·</g)?.length, 7 * 3 - 8);
});

test("hostile names, thousands of topics and very deep names stay below 30 kB and well-formed", () => {
  const nasty = [
    "<&\"'>",
    "𝕏".repeat(300),
    "👩‍🔬".repeat(90),
    "‮",
    "\u0000",
    "",
    "x".repeat(65_535),
    "/".repeat(65_535),
  ];
  const topics = [...nasty, ...Array.from({ length: 3_000 }, (_, i) => `plant/${i}/${"&<".repeat(40)}`)].map(
    (topic) => ({
      topic,
      count: 1_000_000,
    }),
  );
  const readers = nasty.map((name) => ({ name, filters: nasty, received: topics }));
  const view = topicsView({ title: "<&>".repeat(90), topics, readers });
  assert.equal(malformed(view.picture), "");
  assert.ok(Buffer.byteLength(view.picture) <= 30_000, `${Buffer.byteLength(view.picture)} bytes`);
  assert.match(view.picture, /more levels not drawn, 4 more subscribers not drawn/);
  assert.match(view.text, /more topics$/);
});

test("a notebook's data draw the same picture again", () => {
  const first = topicsView(plantTopics);
  const kept = JSON.parse(JSON.stringify(bundle(first)[VIEW_MIME])) as ViewData;
  assert.equal(redraw(kept)?.picture, first.picture);
});
