import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { sampleCourse } from "kernel-helpers/dist/tools/sample-course";
import { main } from "site/dist-build/main";
import { code, notebook, prose, shown, stream } from "./notebooks";

const root = mkdtempSync(join(tmpdir(), "site-build-"));
after(() => rmSync(root, { recursive: true, force: true }));

let places = 0;

interface Place {
  readonly from: string;
  readonly out: string;
}

function place(files: Record<string, string | Uint8Array>): Place {
  const base = join(root, String(++places));
  const from = join(base, "in");
  mkdirSync(from, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(from, name), text);
  return { from, out: join(base, "site") };
}

/** Builds, and tells what was said. */
async function build(
  t: TestContext,
  { from, out }: Place,
  more: Record<string, string> = {},
): Promise<{ exit: number; said: string }> {
  const said: string[] = [];
  const log = t.mock.method(console, "log", (...words: unknown[]) => said.push(words.join(" ")));
  const error = t.mock.method(console, "error", (...words: unknown[]) => said.push(words.join(" ")));
  try {
    return { exit: await main({ options: { from, out, ...more } }), said: said.join("\n") };
  } finally {
    log.mock.restore();
    error.mock.restore();
  }
}

function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length + 1), readFileSync(file, "utf8")]),
  );
}

const lesson = (title: string): string =>
  notebook([prose(`# ${title}`, { id: "title" }), code("1 + 1", [stream("2\n")], { id: "sum" })]);

test("every notebook of a folder becomes a page, in name order", async (t) => {
  const at = place({ "10-ten.ipynb": lesson("Ten"), "9-nine.ipynb": lesson("Nine"), "notes.txt": "no notebook" });
  const { exit } = await build(t, at);
  assert.equal(exit, 0);
  const files = contents(at.out);
  const expected = ["10-ten.html", "9-nine.html", "index.html", "notebooks/10-ten.ipynb", "notebooks/9-nine.ipynb"];
  const more = ["topics", "statements", "glossary", "run", "search", "changes"].map((name) => `${name}.html`);
  for (const name of [...expected, ...more, "search/9-nine.json"]) assert.ok(name in files, name);
  const front = files["index.html"] as string;
  assert.ok(front.indexOf("Nine") < front.indexOf("Ten"));
  assert.match(files["9-nine.html"] as string, /rel="next"[^>]*href|href="10-ten\.html"/);
});

test("the same input gives the same bytes, rendered anew and from the cache", async (t) => {
  const text = lesson(`Same ${Date.now()}`);
  const [one, two] = [place({ "a.ipynb": text }), place({ "a.ipynb": text })];
  assert.match((await build(t, one)).said, /1 rendered anew/);
  assert.match((await build(t, two)).said, /0 rendered anew/);
  assert.deepEqual(contents(two.out), contents(one.out));
});

test("only what has changed is rendered again", async (t) => {
  const stamp = String(Date.now());
  const at = place({ "a.ipynb": lesson(`A ${stamp}`), "b.ipynb": lesson(`B ${stamp}`) });
  await build(t, at);
  writeFileSync(join(at.from, "b.ipynb"), lesson(`B changed ${stamp}`));
  assert.match((await build(t, at)).said, /2 labs, 1 rendered anew/);
  const files = contents(at.out);
  assert.match(files["b.html"] as string, /B changed/);
  assert.match(files["a.html"] as string, /B changed/, "the page before it names it");
});

/** Every file's number on its disk, and when it was last written. */
const placesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    Object.keys(contents(folder)).map((name) => {
      const { ino, mtimeMs } = statSync(join(folder, name));
      return [name, `${ino} ${mtimeMs}`];
    }),
  );

test("a build of what has not changed touches nothing, says the same, and mends what was touched", async (t) => {
  const bare = notebook([prose("# Bare"), code(`${Date.now()}`, [], { execution_count: null })]);
  const at = place({ "a.ipynb": lesson("A"), "bare.ipynb": bare });
  await build(t, at);
  const [before, files] = [placesOf(at.out), contents(at.out)];
  const again = await build(t, at);
  assert.equal(again.exit, 0);
  assert.match(again.said, /bare\.ipynb: it has not been executed[\s\S]*2 labs, 0 rendered anew/);
  assert.deepEqual(placesOf(at.out), before);
  writeFileSync(join(at.out, "a.html"), "somebody wrote here");
  rmSync(join(at.out, "topics.html"));
  await build(t, at);
  assert.deepEqual(contents(at.out), files);
  await build(t, at, { solutions: "hidden" });
  writeFileSync(join(at.from, "a.ipynb"), lesson("A, changed"));
  await build(t, at);
  assert.match(contents(at.out)["a.html"] as string, /A, changed/);
});

test("cells that are kept from the last build give the bytes that a build from nothing gives", async (t) => {
  const [sample] = await sampleCourse(1);
  const at = place({ "a.ipynb": sample?.text ?? "", "b.ipynb": lesson("B") });
  const cache = join(root, "cache-pieces");
  await build(t, at, { cache });
  const changes: [string, (cells: Record<string, unknown>[]) => Record<string, unknown>[]][] = [
    ["prose", ([card, ...rest]) => [{ ...card, source: "# Another title\n\nAnd [b](b.ipynb)." }, ...rest]],
    ["a cell's code", (cells) => cells.map((one, i) => (i === 5 ? { ...one, source: "const changed = 1;" } : one))],
    ["their order: numbers and links change", ([card, one, ...rest]) => [card ?? {}, ...rest, one ?? {}]],
    ["a cell that shows Markdown with a link", (cells) => [...cells, MARKDOWN]],
  ];
  let text = JSON.parse(sample?.text ?? "") as { cells: Record<string, unknown>[] };
  for (const [what, change] of changes) {
    text = { ...text, cells: change(text.cells) };
    writeFileSync(join(at.from, "a.ipynb"), JSON.stringify(text));
    const kept = await build(t, at, { cache });
    const anew = { from: at.from, out: join(at.out, "..", "anew") };
    const scratch = await build(t, anew, { cache: join(root, `cache-anew-${what}`) });
    assert.deepEqual(contents(at.out), contents(anew.out), what);
    const told = ({ said }: { said: string }): string[] =>
      said.split("\n").filter((line) => /leads nowhere/.test(line));
    assert.deepEqual(told(kept), told(scratch), what);
    assert.equal(told(kept).filter((line) => line.includes('"none.ipynb"')).length, /Markdown/.test(what) ? 1 : 0);
  }
  // What it shows depends on which pages there are.
  rmSync(join(at.from, "b.ipynb"));
  writeFileSync(join(at.from, "c.ipynb"), lesson("C"));
  assert.match((await build(t, at, { cache })).said, /"c\.ipynb" leads|"b\.ipynb" leads/);
});

const MARKDOWN = code("md()", [shown({ "text/markdown": "see [b](b.ipynb) and [none](none.ipynb)" })], { id: "md" });

test("what was wrong is told by every build until it is mended", async (t) => {
  const at = place({ "a.ipynb": lesson("A"), "bad.ipynb": "{" });
  for (const _ of [1, 2]) {
    const { exit, said } = await build(t, at);
    assert.equal(exit, 1);
    assert.match(said, /bad\.ipynb: it is not JSON/);
  }
});

const broken: Record<string, [string | Uint8Array, RegExp]> = {
  "not JSON": ["{ cells: ", /bad\.ipynb: it is not JSON/],
  empty: ["", /bad\.ipynb: it is not JSON/],
  "another JSON": ["[1, 2]", /bad\.ipynb: it is JSON, and no notebook/],
  "nbformat 3": [JSON.stringify({ nbformat: 3, worksheets: [] }), /bad\.ipynb: it has nbformat 3/],
  "no cells": [JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {} }), /bad\.ipynb: it has no list of cells/],
  binary: [new Uint8Array([0xff, 0xfe, 0x00, 0x80]), /bad\.ipynb: it is no UTF-8 text/],
  "nested beyond all": [
    `{"nbformat":4,"cells":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    /bad\.ipynb: |Site: 2 labs/,
  ],
};

for (const [name, [text, message]] of Object.entries(broken)) {
  test(`a broken notebook is told by name, others are rendered (${name})`, async (t) => {
    const at = place({ "bad.ipynb": text, "good.ipynb": lesson("Good") });
    const { exit, said } = await build(t, at);
    assert.match(said, message);
    assert.ok(existsSync(join(at.out, "good.html")));
    if (!/Site: 2 labs/.test(said)) assert.equal(exit, 1);
  });
}

test("a notebook that broke keeps its earlier page", async (t) => {
  const at = place({ "a.ipynb": lesson("A"), "b.ipynb": lesson("B as it was") });
  await build(t, at);
  writeFileSync(join(at.from, "b.ipynb"), "{");
  writeFileSync(join(at.from, "a.ipynb"), lesson("A changed"));
  const { exit, said } = await build(t, at);
  assert.equal(exit, 1);
  assert.match(said, /b\.html stays as an earlier build made it/);
  assert.match(contents(at.out)["b.html"] as string, /B as it was/);
  assert.match(contents(at.out)["a.html"] as string, /A changed/);
});

test("a build that fails leaves the old site whole, and nothing beside it", async (t) => {
  const at = place({ "a.ipynb": lesson("A") });
  await build(t, at);
  const before = contents(at.out);
  writeFileSync(join(at.from, "a.ipynb"), "{");
  assert.equal((await build(t, at)).exit, 1);
  assert.deepEqual(contents(at.out), before);
  assert.deepEqual(readdirSync(join(at.out, "..")).sort(), ["in", "site"]);
});

test("a page that is no longer wanted goes", async (t) => {
  const at = place({ "a.ipynb": lesson("A"), "b.ipynb": lesson("B") });
  await build(t, at);
  rmSync(join(at.from, "b.ipynb"));
  assert.equal((await build(t, at)).exit, 0);
  assert.equal("b.html" in contents(at.out), false);
});

test("somebody's folder is not taken", async (t) => {
  const at = place({ "a.ipynb": lesson("A") });
  mkdirSync(at.out);
  writeFileSync(join(at.out, "thesis.txt"), "years of work");
  const { exit, said } = await build(t, at);
  assert.equal(exit, 1);
  assert.match(said, /holds "thesis\.txt", which no build of the site put there\nTry: /);
  assert.deepEqual(contents(at.out), { "thesis.txt": "years of work" });
  assert.equal((await build(t, { from: at.from, out: at.from })).exit, 1);
  assert.equal(existsSync(join(at.from, "a.ipynb")), true);
});

test("what a killed build left is swept, and its old site comes back", async (t) => {
  const at = place({ "a.ipynb": lesson("A") });
  await build(t, at);
  const before = contents(at.out);
  // No process has a number as high as this.
  cpSync(at.out, join(at.out, "..", ".site.old-99999999"), { recursive: true });
  mkdirSync(join(at.out, "..", ".site.new-99999999"));
  rmSync(at.out, { recursive: true });
  writeFileSync(join(at.from, "a.ipynb"), "{");
  assert.equal((await build(t, at)).exit, 1);
  assert.deepEqual(contents(at.out), before);
  assert.deepEqual(readdirSync(join(at.out, "..")).sort(), ["in", "site"]);
});

test("a link in place of the site's folder is followed", async (t) => {
  const at = place({ "a.ipynb": lesson("A") });
  mkdirSync(join(at.out, "..", "real"));
  symlinkSync(join(at.out, "..", "real"), at.out);
  assert.equal((await build(t, at)).exit, 0);
  assert.ok("a.html" in contents(join(at.out, "..", "real")));
});

test("two notebooks never share a page, and none takes the site's own", async (t) => {
  const at = place({ "index.ipynb": lesson("Mine"), "good.ipynb": lesson("Good") });
  const { exit, said } = await build(t, at);
  assert.equal(exit, 1);
  assert.match(said, /index\.html, which the site has already/);
  assert.match(contents(at.out)["index.html"] as string, /Good/);
});

test("no folder, or one without notebooks, is said", async (t) => {
  const at = place({});
  assert.match((await build(t, at)).said, /there is no notebook in/);
  assert.match((await build(t, { from: join(root, "nowhere"), out: at.out })).said, /is no folder/);
});

test("hidden solutions are not on the site in any form", async (t) => {
  const graded = (solution: boolean): Record<string, unknown> => ({
    metadata: { nbgrader: { solution, grade: !solution, points: 2 } },
  });
  const at = place({
    "x.ipynb": notebook([
      prose("# X"),
      code("const answer = 'tell-nobody-code';", [stream("tell-nobody-output")], graded(true)),
      code("await lab.check();", [shown({ "text/plain": "tell-nobody-card" })], graded(false)),
    ]),
  });
  assert.equal((await build(t, at, { solutions: "hidden" })).exit, 0);
  for (const [name, text] of Object.entries(contents(at.out))) assert.doesNotMatch(text, /tell-nobody/, name);
  assert.equal((await build(t, at)).exit, 0);
  assert.match(contents(at.out)["x.html"] as string, /tell-nobody-code/);
});

test("huge outputs are cut and say so", async (t) => {
  const at = place({
    "x.ipynb": notebook([
      prose("# X"),
      code("flood()", [
        stream("y".repeat(3_000_000)),
        shown({ "text/html": `<p>${"z".repeat(2_000_000)}</p>`, "text/plain": "the small form" }),
      ]),
      code(
        "many()",
        Array.from({ length: 5_000 }, () => stream("line\n")),
      ),
    ]),
  });
  const { exit, said } = await build(t, at);
  assert.equal(exit, 0);
  assert.match(said, /HTML of 2000007 characters is too large/);
  assert.match(said, /has 5000 outputs; the first 200 are shown/);
  const page = contents(at.out)["x.html"] as string;
  assert.ok(page.length < 400_000, `${page.length}`);
  assert.match(page, /2900000 more characters are not shown/);
  assert.match(page, /the small form/);
});

test("a notebook without outputs, or of a run that failed, is rendered and told", async (t) => {
  const at = place({
    "bare.ipynb": notebook([prose("# Bare"), code("1 + 1", [], { execution_count: null })]),
    "failed.ipynb": notebook([prose("# Failed"), code("1 + 1", [stream("2")])], { mqtt: { run: { ok: false } } }),
  });
  const { exit, said } = await build(t, at);
  assert.equal(exit, 0);
  assert.match(said, /bare\.ipynb: it has not been executed/);
  assert.match(said, /failed\.ipynb: its run failed/);
});

test("ids that are there twice and links that lead nowhere are told with their cell", async (t) => {
  const twice = [code("1", [], { id: "same" }), code("2", [stream("2")], { id: "same" })];
  const at = place({
    "x.ipynb": notebook([prose("# X\n\n[there](99-nowhere.ipynb) [here](#no-such-heading)", { id: "top" }), ...twice]),
  });
  const { said } = await build(t, at);
  assert.match(said, /x\.ipynb: cell 3: its id was used before/);
  assert.match(said, /x\.ipynb: cell 1 \(top\): the link to "99-nowhere\.ipynb" leads nowhere/);
  assert.match(said, /x\.ipynb: cell 1 \(top\): the link to "#no-such-heading" leads nowhere/);
});

test("a page of 40 cells weighs at most 30 kB without its pictures, and no script or style of it is a file", async (t) => {
  const [sample] = await sampleCourse(1, 40);
  const at = place({ "sample.ipynb": sample?.text ?? "" });
  await build(t, at);
  const html = contents(at.out)["sample.html"] as string;
  const bare = html
    .replace(/<svg[\s\S]*?<\/svg>/g, "")
    .replace(/<img [^>]*>/g, "")
    .replace(/<div class="wire[\s\S]*?<\/ol>/g, "");
  assert.ok(gzipSync(bare).length <= 30_000, `${gzipSync(bare).length}`);
  assert.doesNotMatch(html, /<script[^>]*\ssrc=|<link rel="stylesheet"|@import|@font-face/);
});
