/**
 * Lighthouse's scores of pages, one after the other in one Chromium.
 * node run.mjs MODULES CHROMIUM URLS CATEGORIES RUNS: the folder of its node_modules, the browser, JSON lists, and of how
 * many runs the median counts. Prints JSON: [{"url","scores":{category: 0..100},"faults":["audit: title"]}].
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, chromePath, urls, categories, runs] = process.argv.slice(2);
const from = createRequire(join(modules, "package.json"));
const load = (name) => import(pathToFileURL(from.resolve(name)).href);
const { default: lighthouse } = await load("lighthouse");
const { launch } = await load("chrome-launcher");

const chromeFlags = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-sync"];
const background = ["--disable-quic", "--disable-background-networking", "--disable-component-update"];
// Chromium's own sandbox does not run as root.
const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const chrome = await launch({
  chromePath,
  chromeFlags: [...chromeFlags, ...background, ...sandbox],
  logLevel: "silent",
});
const found = [];
try {
  for (const url of JSON.parse(urls)) {
    const results = [];
    for (let n = 0; n < Number(runs); n++) {
      const onlyCategories = JSON.parse(categories);
      const done = await lighthouse(url, { port: chrome.port, output: "json", logLevel: "silent", onlyCategories });
      results.push(done.lhr);
    }
    const scores = Object.fromEntries(
      JSON.parse(categories).map((name) => {
        const all = results.map((one) => Math.round((one.categories[name].score ?? 0) * 100)).sort((a, b) => a - b);
        return [name, all[all.length >> 1]];
      }),
    );
    const faults = Object.values(results[0].audits).filter((one) => one.score !== null && one.score < 0.9);
    found.push({ url, scores, faults: faults.map((one) => `${one.id}: ${one.title}`) });
  }
} finally {
  await chrome.kill();
}
console.log(JSON.stringify(found));
