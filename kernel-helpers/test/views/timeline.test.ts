import assert from "node:assert/strict";
import { test } from "node:test";
import { overflow } from "kernel-helpers/dist/tools/gallery-samples";
import { redraw } from "kernel-helpers/dist/views/draw";
import { timelineView } from "kernel-helpers/dist/views/timeline";
import { bundle, VIEW_MIME } from "kernel-helpers/dist/views/view";
import { malformed } from "./well-formed";

const bytes = (text: string) => new TextEncoder().encode(text).length;

test("the text shows the same as the picture: marks over time, the value as digits, and all of it in words", () => {
  const { text } = timelineView(overflow);
  const strip = (name: string) => text.split("\n").find((line) => line.startsWith(name)) ?? "";
  assert.match(strip("PUBACK to boiler"), /^PUBACK to boiler {2}✓/);
  assert.match(strip("dropped"), /^dropped {11}·+✗/);
  assert.match(strip("queued"), /^queued {12}1+2+3+4+5+/);
  assert.match(text, /PUBACK to boiler: ✓ 30 × 0x00 success \(0 ms to 38 ms\)/);
  assert.match(text, /dropped: ✗ 25 × never delivered/);
  assert.match(text, /queued: 10 values, from 1 to 0, highest 5; max_queued_messages 5/);
});

test("tones differ by shape as well as by colour, and the limit is a line with its name", () => {
  const events = (["ok", "bad", "warn", "idle"] as const).map((tone, at) => ({ at, label: tone, tone }));
  const { picture } = timelineView({ lanes: [{ name: "all", events }] });
  const shapes = [
    ...picture.matchAll(
      /<(circle|path) [^>]*(?:fill="#00694a"|fill="#7a5200"|stroke="#a83c00"|r="5" fill="#ffffff")[^>]*>/g,
    ),
  ];
  assert.equal(new Set(shapes.map(([tag]) => tag.replace(/[\d.]+/g, "0"))).size, 4);
  assert.match(timelineView(overflow).picture, /stroke-dasharray="5 4"[\s\S]*max_queued_messages 5/);
});

test("what a notebook kept draws the same picture again", () => {
  const first = timelineView(overflow);
  const kept = JSON.parse(JSON.stringify(bundle(first)[VIEW_MIME]));
  assert.equal(redraw(kept)?.picture, first.picture);
  assert.equal(redraw(kept)?.text, first.text);
});

test("many events and long labels stay below 30 kB, and marks that share a place keep the worst", () => {
  const events = Array.from({ length: 5000 }, (_, i) => ({
    at: i / 7,
    label: `${"&<𝕏".repeat(100)} ${i}`,
    tone: i === 200 ? ("bad" as const) : ("ok" as const),
  }));
  const points = events.map(({ at }, i) => ({ at, value: (i * 7919) % 997 }));
  const lanes = Array.from({ length: 12 }, (_, i) => ({ name: `lane ${i} ${"x".repeat(200)}`, events }));
  const { picture, text } = timelineView({ title: "<&>".repeat(60), lanes, series: [{ name: "s", points }] });
  assert.ok(bytes(picture) <= 30_000, `${bytes(picture)} bytes`);
  assert.equal(malformed(picture), "");
  assert.ok(text.split("\n").some((line) => line.includes("✗")));
});

test("one moment, no moment, numbers that are none, foreign tones", () => {
  assert.match(timelineView({ lanes: [] }).text, /nothing happened yet/);
  const one = timelineView({ lanes: [{ name: "a", events: [{ at: 7, label: "only" }] }] });
  const odd = timelineView({
    title: "",
    lanes: [
      {
        name: "",
        events: [
          { at: Number.NaN, label: "never" },
          { at: 1, label: "\u202e<b>", tone: "constructor" as never },
        ],
      },
    ],
    series: [
      {
        name: "s",
        points: [
          { at: 1, value: Number.POSITIVE_INFINITY },
          { at: 2, value: -3 },
        ],
      },
    ],
  });
  for (const view of [one, odd]) {
    assert.equal(malformed(view.picture), "");
    assert.doesNotMatch(view.picture, /NaN|Infinity|undefined/);
    assert.doesNotMatch(view.text, /\u202e|NaN/);
  }
});
