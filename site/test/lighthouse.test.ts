import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { LabError } from "kernel-helpers/dist/core/errors";
import { type Category, lighthouse, type Scored } from "kernel-helpers/dist/tools/lighthouse";
import { sampleCourse } from "kernel-helpers/dist/tools/sample-course";
import { main } from "site/dist-build/main";
import { serveFolder } from "site/dist-build/serve";
import { chromiumPath, withoutChromium } from "./chromium";

/** Performance is a matter of the machine: the bench measures it. */
const CATEGORIES: readonly Category[] = ["accessibility", "best-practices", "seo"];

test("Lighthouse gives every page at least 95 for all that does not depend on speed", {
  skip: withoutChromium,
}, async (t) => {
  const root = mkdtempSync(join(tmpdir(), "site-lighthouse-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "in"));
  const [sample] = await sampleCourse(1, 40);
  writeFileSync(join(root, "in", "sample.ipynb"), sample?.text ?? "");
  const cases = join(dirname(require.resolve("site/package.json")), "test", "cases");
  writeFileSync(join(root, "in", "lesson.ipynb"), readFileSync(join(cases, "lesson", "input.ipynb")));
  assert.equal(await main({ options: { from: join(root, "in"), out: join(root, "site") } }), 0);
  const served = await serveFolder(join(root, "site"));
  t.after(() => served.close());
  const pages = readdirSync(join(root, "site")).filter((name) => name.endsWith(".html"));
  let scored: readonly Scored[];
  try {
    const urls = pages.map((name) => served.url + name);
    scored = await lighthouse(urls, { chromium: chromiumPath as string, categories: CATEGORIES });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return t.skip(error.message);
  }
  assert.equal(scored.length, pages.length);
  for (const { url, scores, faults } of scored) {
    for (const name of CATEGORIES)
      assert.ok(scores[name] >= 95, `${url}: ${name} ${scores[name]}\n${faults.join("\n")}`);
  }
});
