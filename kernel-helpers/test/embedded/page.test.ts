/** The core in a real page: Chromium, a Web Worker with the broker, two MQTT.js clients, all in memory. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { test } from "node:test";
import { builtFolder } from "kernel-helpers/dist/brokers/embedded/node/modules";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { chromium } from "playwright-core";
import ts from "typescript";
import { notBuilt } from "./lab";

const core = join(courseRoot, "kernel-helpers/src/brokers/embedded/core");
const pages = join(courseRoot, "kernel-helpers/test/embedded/page");
const browser = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path && existsSync(path),
);

test("the core imports nothing but its own files", () => {
  for (const file of readdirSync(core)) {
    const text = readFileSync(join(core, file), "utf8");
    for (const [, name] of text.matchAll(/(?:from|import|require\()\s*"([^"]+)"/g)) {
      assert.match(name!, /^\.\/[\w-]+$/, `${file} imports ${name}`);
    }
    assert.ok(!/\b(process\.\w|Buffer\.\w|__dirname|require\()/.test(text), `${file} uses what only Node has`);
  }
});

/** A module of the core as a page loads it. */
function asPageModule(file: string): string {
  const source = readFileSync(join(core, file), "utf8").replace(/(from "\.\/[\w-]+)"/g, '$1.js"');
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

function answerTo(path: string): { type: string; body: string | Buffer } | null {
  const name = basename(path);
  if (path === "/") return { type: "text/html", body: "<!doctype html><title>broker</title>" };
  if (path === "/mosquitto.wasm") return { type: "application/wasm", body: readFileSync(join(builtFolder(), name)) };
  if (path === "/mqtt.esm.js") {
    return { type: "text/javascript", body: readFileSync(join(courseRoot, "node_modules/mqtt/dist", name)) };
  }
  if (path.startsWith("/core/")) return { type: "text/javascript", body: asPageModule(name.replace(/\.js$/, ".ts")) };
  if (path.startsWith("/page/")) return { type: "text/javascript", body: readFileSync(join(pages, name)) };
  return null;
}

interface PageResult {
  got: { topic: string; text: string; qos: number; retain: boolean; user: Record<string, string | string[]> }[];
  lines: string[];
  ended: { end: { code: number | null; signal: string | null }; saved: number };
}

const skip = notBuilt || (!browser && "no Chromium was found (set CHROMIUM to its path)");

test("a broker in a Web Worker serves two clients of the page", { skip, timeout: 60_000 }, async (t) => {
  const server = createServer((request, response) => {
    const answer = answerTo(request.url ?? "/");
    response.writeHead(answer ? 200 : 404, { "content-type": answer?.type ?? "text/plain" }).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const chrome = await chromium.launch({ executablePath: browser, args: ["--no-sandbox"] });
  t.after(() => chrome.close());
  const page = await chrome.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const { got, lines, ended } = await page.evaluate<PageResult>(
    'import("/page/page.mjs").then((page) => page.runPage())',
  );

  assert.deepEqual(problems, []);
  assert.deepEqual(got[0], {
    topic: "site/temp",
    text: "21.5",
    qos: 2,
    retain: true,
    user: { unit: "°C", tag: ["a", "b"] },
  });
  assert.deepEqual(
    got.slice(1, 101).map(({ text, qos }) => `${text} ${qos}`),
    Array.from({ length: 100 }, (_, index) => `${index} 2`),
  );
  assert.deepEqual(got[101], { topic: "state/sensor", text: "gone", qos: 2, retain: false, user: { why: "cut" } });
  assert.match(lines.join("\n"), /mosquitto version 2\.\S+ running/);
  assert.deepEqual(ended.end, { code: 0, signal: null });
  assert.ok(ended.saved > 0, "nothing was saved at its end");
});
