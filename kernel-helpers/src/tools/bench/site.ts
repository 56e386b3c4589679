import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cachePath, courseRoot } from "../../core/paths";
import { lighthouse } from "../lighthouse";
import { sampleCourse } from "../sample-course";
import type { Row } from "./row";

/** Of the same notebooks through nbconvert; the wish is an eighth. */
const OF_NBCONVERT = 1 / 5;
const UNCHANGED_AIM = 0.15;
const ONE_CHANGED_AIM = 0.3;
/** Kilobytes, compressed, of a page of 40 cells without its pictures. */
const WEIGHT_AIM = 30;
const LIGHTHOUSE_AIM = 95;
const ROUNDS = 3;

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** 18 notebooks of 40 cells, from the start of the process to its end, each best of some; beside nbconvert in the same run. */
export async function benchSite(): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), "bench-site-"));
  try {
    const from = join(root, "in");
    mkdirSync(from);
    const notebooks = await sampleCourse();
    for (const { name, text } of notebooks) writeFileSync(join(from, `${name}.ipynb`), text);
    const nbconvert: number[] = [];
    const cold: number[] = [];
    const unchanged: number[] = [];
    const changed: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(cachePath("bench-site"), { recursive: true, force: true });
      cold.push(await site(from, join(root, "site")));
      unchanged.push(await site(from, join(root, "site")));
      const [first] = notebooks;
      writeFileSync(
        join(from, `${first?.name}.ipynb`),
        (first?.text ?? "").replace("what a broker", `take ${round}: a broker`),
      );
      changed.push(await site(from, join(root, "site")));
      // It takes long, and its time hardly varies.
      if (!round) nbconvert.push(await convert(from, join(root, "html")));
    }
    const best = (times: readonly number[]): number => Math.min(...times);
    return [
      { name: "nbconvert, 18 notebooks", value: best(nbconvert), unit: "s" },
      { name: "site, cold", value: best(cold), unit: "s", aim: "1.0 s is the wish" },
      { name: "site, cold / nbconvert", value: best(cold) / best(nbconvert), unit: "×", aim: OF_NBCONVERT },
      { name: "site, nothing changed", value: best(unchanged), unit: "s", aim: UNCHANGED_AIM },
      { name: "site, one notebook changed", value: best(changed), unit: "s", aim: ONE_CHANGED_AIM },
      {
        name: "site, nothing changed, as it is typed (through set-up)",
        value: await asTyped(from, join(root, "typed")),
        unit: "s",
      },
      { name: "node itself, start to end", value: await timed(process.execPath, ["-e", "0"]), unit: "s" },
      ...(await whereItGoes(from, root)),
      ...weights(join(root, "site")),
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
    rmSync(cachePath("bench-site"), { recursive: true, force: true });
  }
}

/** Lighthouse's performance of every page, as a phone of its own idea loads them; the median of three. */
export async function benchSiteLighthouse(): Promise<Row[]> {
  const chromium = CHROMIUM.find((path) => path !== undefined && existsSync(path));
  if (!chromium) return [{ name: "Lighthouse: no Chromium on this machine", value: Number.NaN, unit: "points" }];
  const root = mkdtempSync(join(tmpdir(), "bench-lighthouse-"));
  try {
    mkdirSync(join(root, "in"));
    for (const { name, text } of await sampleCourse(2)) writeFileSync(join(root, "in", `${name}.ipynb`), text);
    // And the labs themselves, as far as they have been executed here.
    const labs = existsSync(cachePath("executed")) ? readdirSync(cachePath("executed")) : [];
    for (const name of labs.filter((one) => one.endsWith(".ipynb")))
      copyFileSync(join(cachePath("executed"), name), join(root, "in", name));
    await site(join(root, "in"), join(root, "site"));
    const { serveFolder } = require(join(courseRoot, "site", "dist-build", "serve.js")) as {
      serveFolder(folder: string): Promise<{ url: string; close(): Promise<void> }>;
    };
    const served = await serveFolder(join(root, "site"));
    const pages = readdirSync(join(root, "site")).filter((name) => name.endsWith(".html"));
    const scored = await lighthouse(
      pages.map((name) => served.url + name),
      { chromium, categories: ["performance"], runs: 3 },
    );
    await served.close();
    // A row's aim is the most that it may be.
    return scored.map(({ url, scores }) => ({
      name: `points short of 100 in Lighthouse's performance, ${url.slice(served.url.length)}`,
      value: 100 - scores.performance,
      unit: "points",
      aim: 100 - LIGHTHOUSE_AIM,
    }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What the program `npm run site` starts once set-up has found all in place. */
const PROGRAM = join(courseRoot, "site", "dist-build", "main.js");
const call = (from: string, out: string): string =>
  `require(${JSON.stringify(PROGRAM)}).main({options:${JSON.stringify({ from, out, cache: cachePath("bench-site") })}}).then(code=>process.exitCode=code)`;

const site = (from: string, out: string): Promise<number> => timed(process.execPath, ["-e", call(from, out)]);

/** `npm run site` without npm's own time, nothing changed: best of some. */
async function asTyped(from: string, out: string): Promise<number> {
  const words = [join(courseRoot, "kernel-helpers", "setup.mjs"), "site", "--from", from, "--out", out];
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) times.push(await timed(process.execPath, words));
  return Math.min(...times);
}

async function convert(from: string, out: string): Promise<number> {
  const { venvPython } = await import("../../../setup/folders.mjs");
  const files = readdirSync(from).map((name) => join(from, name));
  return timed(venvPython, ["-m", "nbconvert", "--to", "html", "--log-level", "ERROR", "--output-dir", out, ...files]);
}

/** Seconds from spawn to exit. @throws when it fails. */
function timed(command: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  return new Promise((ended, failed) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    child.once("error", failed);
    child.once("exit", (code) => {
      if (code === 0) ended((performance.now() - began) / 1000);
      else failed(new Error(`${command} ended with ${code}: ${said.slice(-500)}`));
    });
  });
}

interface Profile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHARES: readonly (readonly [string, RegExp])[] = [
  ["colours of code (Lezer)", /@lezer/],
  ["Markdown", /markdown-it|linkify|mdurl|uc\.micro|entities/],
  ["sanitising", /sanitize-html|sanitise|htmlparser2|domhandler|postcss|style\.js/],
  ["drawing the views", /kernel-helpers\/dist/],
  ["pages and cells", /site\/dist-build/],
  ["loading modules", /^node:internal\/(?:modules|bootstrap)/],
];

/** A cold build once more under V8's profiler: the share of each part in its samples. */
async function whereItGoes(from: string, root: string): Promise<Row[]> {
  rmSync(cachePath("bench-site"), { recursive: true, force: true });
  const folder = join(root, "profile");
  await timed(process.execPath, ["--cpu-prof", "--cpu-prof-dir", folder, "-e", call(from, join(root, "site"))]);
  const sums = new Map<string, number>();
  // One of each thread.
  for (const name of readdirSync(folder)) addUp(JSON.parse(readFileSync(join(folder, name), "utf8")) as Profile, sums);
  const all = [...sums.values()].reduce((sum, one) => sum + one, 0);
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .map(([share, time]) => ({ name: `  of a cold build: ${share}`, value: (time / all) * 100, unit: "%" }));
}

function addUp({ nodes, samples, timeDeltas }: Profile, sums: Map<string, number>): void {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  samples.forEach((id, i) => {
    const frame = byId.get(id);
    const where = frame?.url || frame?.functionName || "";
    if (where === "(idle)") return;
    const share =
      SHARES.find(([, of]) => of.test(where))?.[0] ??
      (where === "(garbage collector)" ? "garbage collection" : "the rest: reading, writing, V8");
    sums.set(share, (sums.get(share) ?? 0) + (timeDeltas[i] ?? 0));
  });
}

/** What a reader loads. The page is one file: style and script are in it. */
function weights(out: string): Row[] {
  const pages = readdirSync(out)
    .filter((name) => /^\d+-.*\.html$/.test(name))
    .map((name) => readFileSync(join(out, name), "utf8"));
  const kilobytes = (html: string): number => gzipSync(html).length / 1000;
  const most = (of: readonly string[]): number => Math.max(...of.map(kilobytes));
  return [
    {
      name: "page of 40 cells without its pictures, compressed",
      value: most(pages.map(withoutPictures)),
      unit: "kB",
      aim: WEIGHT_AIM,
    },
    { name: "the same with its pictures", value: most(pages), unit: "kB" },
  ];
}

/** Pictures are what the views drew, and images. */
const withoutPictures = (html: string): string =>
  html
    .replace(/<svg[\s\S]*?<\/svg>/g, "")
    .replace(/<img [^>]*>/g, "")
    .replace(/<div class="wire[\s\S]*?<\/ol>/g, "");
