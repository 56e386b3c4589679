import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { Frame } from "site/dist-build/frame";
import { labContent } from "site/dist-build/lab-page";
import { main } from "site/dist-build/main";
import { readNotebook } from "site/dist-build/notebook";
import { labPage } from "site/dist-build/pages/lab";
import { serveFolder } from "site/dist-build/serve";
import { openBrowser, withoutChromium } from "./chromium";
import { code, notebook, prose, shown, stream, view } from "./notebooks";
import { markdown, markup } from "./payloads";

const folder = mkdtempSync(join(tmpdir(), "site-hostile-"));
let browser: Browser | undefined;
before(async () => {
  if (!withoutChromium) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const svgOf = (inside: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="ran('root')">${inside}</svg>`;

/** One payload in every place where a notebook can put text. */
function everywhere(payload: string): unknown[] {
  const packet = {
    number: payload,
    at: payload,
    direction: "to-broker",
    connection: payload,
    clientId: payload,
    packet: { type: payload, topic: payload, payload },
    bytes: payload,
    length: payload,
    fields: [{ name: payload, start: payload, end: payload, text: payload }],
    explanation: [payload],
  };
  const table = {
    caption: payload,
    columns: [{ title: payload, align: payload }],
    rows: [[payload]],
    rowHeader: payload,
  };
  return [
    prose(payload, { metadata: { tags: [payload], mqtt: { proves: [payload], terms: [payload] } } }),
    { cell_type: "raw", id: payload, metadata: { format: "text/html" }, source: payload },
    code(
      payload,
      [
        stream(payload),
        shown({ "text/html": payload }),
        shown({ "text/markdown": payload }),
        shown({ "image/svg+xml": svgOf(payload), "text/plain": payload }),
        shown({ "image/svg+xml": payload, "text/plain": payload }),
        shown({ "image/png": payload, "text/plain": payload }),
        shown({ "image/png": "iVBORw0KGgo=", "text/plain": payload }),
        shown({ "application/json": { [payload]: payload } }),
        shown({ "application/javascript": 'ran("javascript output")', "text/plain": payload }),
        shown({ [payload]: payload }),
        { output_type: "error", ename: payload, evalue: payload, traceback: [payload] },
        view("packets", { caption: payload, total: 1, packets: [packet] }),
        view("sequence", { caption: payload, total: 1, packets: [packet] }),
        view("table", table),
        view("ladder", { title: payload, hops: [{ name: payload, state: payload, evidence: payload }] }),
        view("topology", { title: payload, nodes: [{ id: payload, kind: payload, state: payload }], edges: [] }),
        view("log", { caption: payload, total: 1, lines: [{ number: payload, text: payload, meaning: payload }] }),
        view("bytes", {
          title: payload,
          bytes: "00ff",
          length: 2,
          fields: [{ name: payload, start: 0, end: 1, text: payload }],
        }),
        view("check", {
          id: payload,
          status: "failed",
          points: payload,
          score: payload,
          findings: [{ what: payload, ok: 0, expected: payload, observed: payload }],
          evidence: [{ title: payload, lines: [payload] }],
          reasons: [payload],
          next: payload,
        }),
        view("predict", { id: payload, choices: { [payload]: payload, b: payload }, guess: payload }),
        view("reveal", { id: payload, choices: { [payload]: payload }, guess: payload, answer: payload }),
        view("hint", { id: payload, step: payload, of: payload, text: payload }),
        view("observation", {
          id: payload,
          holds: true,
          observed: payload,
          expected: payload,
          deviation: payload,
          mosquitto: payload,
          engine: payload,
        }),
        view("line", { text: payload }),
        view("solution", { id: payload, code: payload }),
        view(payload, payload, { "text/html": payload, "text/plain": payload }),
      ],
      {
        id: payload,
        metadata: { tags: [payload], mqtt: { proves: [payload], terms: [payload] }, nbgrader: { points: payload } },
      },
    ),
  ];
}

function page(cells: readonly unknown[]): string {
  const text = notebook(cells, {
    mqtt: { lab: markup[0], run: { engine: markup[3], mosquitto: markup[6], date: markup[0] } },
  });
  const material = {
    stubs: { cell: markup[0] as string },
    hints: { cell: [...markup] },
    others: { cell: markup[1] as string },
  };
  const content = labContent(
    readNotebook(text, () => {}),
    { fallbackTitle: markup[0] as string, solutions: "collapsed", material, pages: {} },
  );
  const lab = { name: "hostile", page: "hostile.html", content, listed: undefined };
  return new Frame().page(labPage({ labs: [lab], toCome: [], topics: {}, runs: [], changes: [] }, lab));
}

interface Happened {
  /** Code of the notebook that ran. */
  readonly ran: string[];
  /** Addresses that were asked for. */
  readonly asked: string[];
  /** What the policy stopped. */
  readonly blocked: string[];
}

function open(html: string): Promise<Happened> {
  const file = join(folder, "page.html");
  writeFileSync(file, html);
  const { href } = pathToFileURL(file);
  return happens(href, (url) => url === href);
}

/** Opens a page, does all that a reader could, and tells what happened. */
async function happens(
  address: string,
  own: (url: string) => boolean,
  more: (tab: Page) => Promise<void> = async () => {},
): Promise<Happened> {
  const context = await (browser as Browser).newContext();
  // Thousands of payloads on one page, on a machine that may do other things too.
  context.setDefaultTimeout(180_000);
  const ran: string[] = [];
  const asked: string[] = [];
  const blocked: string[] = [];
  await context.exposeFunction("ran", (what: unknown) => ran.push(String(what)));
  await context.route("**/*", (route) => {
    const url = route.request().url();
    if (own(url) || url.startsWith("data:")) return route.continue();
    asked.push(url);
    return route.abort();
  });
  const tab = await context.newPage();
  tab.on("dialog", (dialog) => void dialog.dismiss());
  tab.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) blocked.push(message.text());
  });
  await tab.goto(address);
  await more(tab);
  // What waits for a reader: folds opened, links and buttons pressed, everything pointed at.
  const pressed = await tab.evaluate(() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    let n = 0;
    for (const one of document.querySelectorAll<HTMLElement>("main *")) {
      one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      const href = one.getAttribute("href") ?? one.getAttribute("xlink:href") ?? "";
      const leaves = /^\s*(?:https?:|mailto:)/i.test(href) || /\.(?:html|ipynb)|^changes\.xml$/.test(href);
      if (
        (one instanceof HTMLAnchorElement || one instanceof HTMLButtonElement || one instanceof SVGElement) &&
        !leaves
      ) {
        one.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
        n++;
      }
    }
    return n;
  });
  assert.ok(pressed >= 0);
  // Images that fail do so in a later task: until all have been tried.
  await tab.waitForFunction(() => [...document.images].every((image) => image.complete));
  await tab.evaluate(() => new Promise((done) => setTimeout(done, 0)));
  await context.close();
  return { ran, asked, blocked };
}

const withoutPolicy = (html: string): string => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");

test("the payloads do run where nothing stops them", { skip: withoutChromium }, async () => {
  const { ran, asked } = await open(
    `<!doctype html><meta charset=utf-8><main>${markup.slice(0, 14).join("\n")}</main>`,
  );
  assert.ok(ran.length >= 5, `only ${ran.length} of the payloads ran unhindered: ${ran}`);
  assert.deepEqual(
    asked.filter((url) => url.includes("attacker")),
    [],
  );
});

const payloads = [...markup, ...markdown];
for (const policy of ["on", "off"] as const) {
  test(`nothing of a hostile notebook runs with the policy ${policy}`, { skip: withoutChromium }, async () => {
    const html = page(payloads.flatMap(everywhere));
    const { ran, asked, blocked } = await open(policy === "on" ? html : withoutPolicy(html));
    assert.deepEqual(ran, []);
    assert.deepEqual(asked, []);
    assert.deepEqual(blocked, [], "the sanitisers leave nothing for the policy to stop");
  });
}

test("what is written has no active part", () => {
  for (const payload of payloads) {
    const html = page(everywhere(payload));
    const main = html.slice(html.indexOf("<main"));
    const tags = main.match(/<[a-z][^>]*>/gi) ?? [];
    for (const one of tags) {
      // Within a tag, what stands in quotes is text.
      const bare = one.replace(/"[^"]*"/g, '""');
      assert.doesNotMatch(
        bare,
        /^<(?:script|iframe|object|embed|form|base|meta|link|style|foreignObject|animate|set|use|math|button|template)\b/i,
        one,
      );
      assert.doesNotMatch(bare, /\son[a-z]+\s*=/i, one);
      assert.doesNotMatch(one, /(?:href|src)="\s*(?:javascript|vbscript|data:text)/i, one);
      assert.doesNotMatch(one, /style="[^"]*(?:url\(|expression|position|@import)/i, one);
    }
  }
});

test("ids of the page cannot be taken by a notebook", () => {
  const html = page([
    prose("# content\n\n## outline\n\n## top\n\n## theme dark"),
    code("1", [], { id: "content" }),
    code("2", [], { id: "content" }),
  ]);
  const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((found) => found[1]);
  assert.equal(new Set(ids).size, ids.length, `ids twice: ${ids.filter((id, i) => ids.indexOf(id) !== i)}`);
});

/** A whole site of the hostile notebooks that lie in this folder, in a course that lists them and whose plan is hostile. */
async function hostileSite(t: TestContext): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "site-hostile-course-"));
  const before = process.env.MQTT_LAB_NOTEBOOKS;
  process.env.MQTT_LAB_NOTEBOOKS = root;
  t.after(() => {
    if (before === undefined) delete process.env.MQTT_LAB_NOTEBOOKS;
    else process.env.MQTT_LAB_NOTEBOOKS = before;
    rmSync(root, { recursive: true, force: true });
  });
  const here = join(dirname(require.resolve("site/package.json")), "test", "hostile");
  const names = readdirSync(here).map((name) => name.replace(/\.ipynb$/, ""));
  const from = join(root, "in");
  mkdirSync(join(from, "other-run"), { recursive: true });
  for (const name of names) {
    for (const folder of [from, join(from, "other-run")]) {
      writeFileSync(join(folder, `${name}.ipynb`), readFileSync(join(here, `${name}.ipynb`)));
    }
  }
  // What a page may weigh is bounded, whatever a notebook holds.
  writeFileSync(
    join(from, "oversize.ipynb"),
    notebook([
      prose(`# Oversize\n\n${"<script>ran('long')</script>".repeat(20_000)}`),
      code(`/*${"x".repeat(2_000_000)}*/`, [stream("<script>ran('flood')</script>".repeat(100_000))]),
      code("deep()", [
        shown({ "text/html": `${"<div>".repeat(50_000)}<script>ran('deep')</script>`, "text/plain": "deep" }),
      ]),
      code("deep svg", [
        shown({ "image/svg+xml": svgOf(`${"<g>".repeat(50_000)}<script>ran('deep')</script>`), "text/plain": "deep" }),
      ]),
    ]),
  );
  const [evil] = markup as readonly [string];
  const labs = names.map((slug, id) => ({ id: id + 1, slug, minutes: evil, needs: [evil] }));
  writeFileSync(join(root, "course.json"), JSON.stringify({ labs }));
  const planned = [{ id: 90, slug: evil, title: evil, minutes: 5, after: [evil], also: [evil, "S1.1"] }];
  const topics = Object.fromEntries([...markup.map((one, i) => [`L${i + 1}.1`, one]), [evil, evil]]);
  writeFileSync(join(root, "curriculum.json"), JSON.stringify({ planned, topics }));
  const out = join(root, "site");
  t.mock.method(console, "error", () => {});
  assert.equal(await main({ options: { from, out } }), 0);
  return out;
}

test("nothing of hostile notebooks runs on any page of their site, with the policy on and off", {
  skip: withoutChromium,
}, async (t) => {
  const out = await hostileSite(t);
  const pages = readdirSync(out).filter((name) => name.endsWith(".html"));
  assert.ok(pages.length >= 15);
  for (const name of pages) {
    const html = readFileSync(join(out, name), "utf8");
    assert.ok(html.length < 2_500_000, `${name} has ${html.length} characters`);
    for (const [policy, text] of [
      ["on", html],
      ["off", withoutPolicy(html)],
    ] as const) {
      assert.deepEqual(await open(text), { ran: [], asked: [], blocked: [] }, `${name}, policy ${policy}`);
    }
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("what search finds in hostile notebooks is text", { skip: withoutChromium }, async (t) => {
  const served = await serveFolder(await hostileSite(t));
  t.after(() => served.close());
  const looked = await happens(
    `${served.url}search.html`,
    (url) => url.startsWith(served.url),
    async (tab) => {
      for (const words of ["ran", "script", "onerror", "<img", "javascript:"]) {
        await tab.locator("#search-words").fill(words);
        await tab.locator("#search-found li").first().waitFor();
      }
    },
  );
  assert.deepEqual(looked, { ran: [], asked: [], blocked: [] });
});
