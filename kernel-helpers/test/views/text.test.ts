import assert from "node:assert/strict";
import { test } from "node:test";
import { SERIES } from "kernel-helpers/dist/views/chart-vega";
import { escapeText, visible } from "kernel-helpers/dist/views/escape";
import { textTable, truncate, width, wrap } from "kernel-helpers/dist/views/text";
import { colour, tints, tone } from "kernel-helpers/dist/views/theme";

test("width counts what a terminal shows", () => {
  assert.equal(width("abc"), 3);
  assert.equal(width("温度"), 4);
  assert.equal(width("e\u0301"), 1);
  assert.equal(width("👩‍🔬"), 2);
  assert.equal(width("🌡️"), 2);
  assert.equal(width("שלום"), 4);
  assert.equal(width("→✓✗"), 3);
});

test("truncate never splits a character and never grows", () => {
  for (const text of ["abcdef", "温度温度", "👩‍🔬👩‍🔬👩‍🔬", "e\u0301e\u0301e\u0301"]) {
    for (let columns = 0; columns < 8; columns++) {
      const cut = truncate(text, columns);
      assert.ok(width(cut) <= columns, `${text} in ${columns}`);
      assert.doesNotMatch(cut, /[\ud800-\udbff]$/);
    }
  }
  assert.equal(truncate("abcdef", 4), "abc…");
});

test("wrap breaks at spaces and inside words that are too long, and loses nothing", () => {
  assert.deepEqual(wrap("the broker keeps one value", 10), ["the broker", "keeps one", "value"]);
  const long = `x ${"y".repeat(25)}`;
  assert.equal(wrap(long, 10).join("").replaceAll(" ", ""), long.replaceAll(" ", ""));
  assert.ok(wrap("温度".repeat(20), 7).every((line) => width(line) <= 7));
});

test("a text table lines up with wide characters and wraps long cells", () => {
  const table = textTable(
    [{ title: "a" }, { title: "n", align: "right" }],
    [
      ["温度", "1"],
      ["x", "22"],
    ],
  );
  assert.equal(table, "a      n\n────  ──\n温度   1\nx     22");
});

test("control and bidirectional characters become visible", () => {
  assert.equal(visible("a\u0000\u001b[31m\u202e\ud800b"), "a␀␛[31m⟨U+202E⟩⟨U+D800⟩b");
  assert.equal(visible("👩‍🔬"), "👩‍🔬");
  assert.equal(escapeText(`<a b="c">'&`), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
});

/** WCAG's contrast ratio of two colours. */
function contrast(a: string, b: string): number {
  const light = (hex: string) => {
    const [r, g, blue] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test("every text colour has 4.5:1 on every ground that it stands on", () => {
  const grounds = [colour.card, colour.quiet];
  for (const text of [colour.ink, colour.muted, colour.up, colour.down, colour.ok, colour.bad, colour.warn]) {
    for (const ground of grounds) assert.ok(contrast(text, ground) >= 4.5, `${text} on ${ground}`);
  }
  for (const { text, tint } of Object.values(tone)) {
    assert.ok(contrast(text, tint) >= 4.5, `${text} on ${tint}`);
    assert.ok(contrast(colour.ink, tint) >= 4.5);
    assert.ok(contrast(colour.muted, tint) >= 4.5, `muted on ${tint}`);
  }
  for (const tint of tints) assert.ok(contrast(colour.ink, tint) >= 4.5);
  assert.ok(contrast(colour.card, colour.ink) >= 4.5);
});

test("series of a chart can be seen on the card, and the first three be told apart without colour", () => {
  for (const hue of SERIES) assert.ok(contrast(hue, colour.card) >= 3, hue);
  const [first, second, third] = SERIES;
  for (const [a, b] of [
    [first, second],
    [first, third],
    [second, third],
  ] as const) {
    assert.ok(contrast(a, b) >= 2, `${a} beside ${b}`);
  }
});
