import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { lineView, observationView, solutionView } from "kernel-helpers/dist/lab/lesson-views";
import { explainLog } from "kernel-helpers/dist/mqtt/explain-log";
import { samples } from "kernel-helpers/dist/tools/gallery";
import { log } from "kernel-helpers/dist/tools/gallery/recordings";
import { logView } from "kernel-helpers/dist/views/log";
import { logsView } from "kernel-helpers/dist/views/logs";
import { colour, tints } from "kernel-helpers/dist/views/theme";
import { bundle, type View } from "kernel-helpers/dist/views/view";
import { labContent } from "site/dist-build/lab-page";
import { nothingBeside } from "site/dist-build/lesson";
import { readNotebook } from "site/dist-build/notebook";
import { htmlFaults } from "./checks";
import { code, notebook, prose, shown } from "./notebooks";

const golden = join(dirname(require.resolve("site/package.json")), "test", "golden");
/** `GOLDEN=write npm test -- site` writes what is rendered now as what is expected; look at the difference. */
const writing = process.env.GOLDEN === "write";

/** Of the gallery those that are not one more of a kind. Pictures of nothing yet are what a live view begins with. */
const SHOWN =
  /^(?:sequence, (?:unfolded|one packet)|packets|bytes|ladder, failing|who reads what|topology|topics|timeline|table|chart, (?:a line and its limit|heat maps)|check, (?:passed|failed|partly|untouched|unavailable)|prediction|reveal, wrong|hint|.*nothing yet)$/;

const seen = {
  id: "MQTT-3.1.0-1",
  expected: "closed",
  observed: "closed after 2 ms",
  deviation: null,
  mosquitto: "2.1.2",
  engine: "docker",
};

const OTHERS: readonly (readonly [string, View])[] = [
  [
    "log",
    logView(
      explainLog(log.slice(0, 14)).map(({ line, ...more }, i) => ({ ...more, number: i + 1, text: line })),
      { caption: "The broker's log" },
    ),
  ],
  ["log, nothing yet", logView([], { caption: "The broker's log" })],
  [
    "logs",
    logsView({
      lanes: ["edge", "cloud"],
      lines: [
        { at: 0, lane: "edge", number: 12, text: "Connecting bridge up (cloud:1883)", weight: "notice" },
        {
          at: 4,
          lane: "cloud",
          number: 9,
          text: "New client connected <edge>",
          meaning: "the bridge's CONNECT arrived",
        },
        { at: 9, lane: "edge", number: 13, text: "Received CONNACK (0)", weight: "error" },
      ],
    }),
  ],
  ["logs, nothing yet", logsView({ lanes: ["edge"], lines: [] })],
  ["observation, as it should be", observationView({ ...seen, holds: true })],
  [
    "observation, deviation",
    observationView({ ...seen, holds: false, observed: "left open", deviation: "mosquitto waits" }),
  ],
  ["line", lineView("There are no hints for <this> exercise.")],
  [
    "solution",
    solutionView("late-1", 'const late = await lab.client(broker, { subscribe: "a/#" });\nlate.messages;\n'),
  ],
];

/** By name: where the gallery has one of the others too, it is the one here. */
const all = samples().then((gallery) => {
  const chosen = gallery.filter(({ name }) => SHOWN.test(name)).map(({ name, view }) => [name, view] as const);
  return [...new Map<string, View>([...chosen, ...OTHERS])];
});

test("every kind of view is on a page as the golden files have it", async (t) => {
  for (const [name, view] of await all) {
    await t.test(name, async () => {
      const html = pageOf(view);
      compare(join(golden, `${name.replace(/[^a-z]+/g, "-")}.html`), `${withoutDrawings(html)}\n`);
      const page = `<!doctype html>\n<html lang="en"><head><title>view</title></head><body>${html}</body></html>`;
      assert.deepEqual(await htmlFaults(page), []);
    });
  }
});

test("no kind of view is left out", async () => {
  const sources = join(dirname(require.resolve("kernel-helpers/package.json")), "src");
  const kinds = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((name) => /^(?:views|lab)\/[\w-]+\.ts$/.test(name.replaceAll("\\", "/")))
    .flatMap((name) => [...readFileSync(join(sources, name), "utf8").matchAll(/\bview\(\s*"([a-z]+)"/g)])
    .map(([, kind]) => kind as string);
  assert.ok(kinds.length > 15, kinds.join(" "));
  const shownKinds = new Set((await all).map(([, { kind }]) => kind as string));
  assert.deepEqual([...new Set(kinds)].filter((kind) => !shownKinds.has(kind)).sort(), []);
  const wanted = (await all).map(([name]) => `${name.replace(/[^a-z]+/g, "-")}.html`).sort();
  assert.deepEqual(readdirSync(golden).sort(), wanted, "a golden file that no view has any more");
});

test("every colour of the views is one of the page's, light and dark", () => {
  const css = readFileSync(join(dirname(require.resolve("site/package.json")), "assets", "site.css"), "utf8");
  for (const name of [...Object.keys(colour), ...tints.map((_, i) => `tint${i}`)]) {
    assert.match(css, new RegExp(`--v-${name}: #`), name);
    assert.match(css, new RegExp(`--v-${name}: light-dark\\(`), name);
  }
});

function pageOf(view: View): string {
  const outputs = [shown(JSON.parse(JSON.stringify(bundle(view))) as Record<string, unknown>)];
  const text = notebook([prose("# A view", { id: "title" }), code("show(view)", outputs, { id: "view" })]);
  const warnings: string[] = [];
  const read = readNotebook(text, (what) => warnings.push(what));
  const content = labContent(read, { fallbackTitle: "", solutions: "collapsed", material: nothingBeside, pages: {} });
  assert.deepEqual([...warnings, ...content.warnings], []);
  return content.html;
}

/** How a picture is drawn has golden files of its own; here its words count, and whether it follows the page's theme. */
const withoutDrawings = (html: string): string =>
  html.replace(/<svg[^>]*>([\s\S]*?)<\/svg>/g, (_, body: string) => {
    const words = [...body.matchAll(/<(?:title|desc)>([^<]*)</g)].map(([, text]) => text).join(" ");
    return `<svg>${words} [${/#[0-9a-f]{6}\b/.test(body) ? "colours of its own" : "the page's colours"}]</svg>`;
  });

function compare(file: string, found: string): void {
  if (writing) mkdirSync(golden, { recursive: true });
  if (writing) writeFileSync(file, found);
  assert.ok(existsSync(file), `${file} is missing; GOLDEN=write makes it`);
  assert.equal(found, readFileSync(file, "utf8"));
}
