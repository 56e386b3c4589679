import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { labContent } from "site/dist-build/lab-page";
import { type Material, nothingBeside } from "site/dist-build/lesson";
import { readNotebook } from "site/dist-build/notebook";
import { htmlFaults } from "./checks";

const cases = join(dirname(require.resolve("site/package.json")), "test", "cases");
/** `GOLDEN=write npm test -- site` writes what is rendered now as what is expected; look at the difference. */
const writing = process.env.GOLDEN === "write";

for (const name of readdirSync(cases).sort()) {
  test(`case ${name}`, async () => {
    const folder = join(cases, name);
    const warnings: string[] = [];
    const notebook = readNotebook(readFileSync(join(folder, "input.ipynb"), "utf8"), (what) => warnings.push(what));
    const settings = {
      fallbackTitle: name,
      solutions: "collapsed" as const,
      material: materialIn(folder),
      pages: { "02-messaging": "02-messaging.html" },
    };
    const content = labContent(notebook, settings);
    compare(join(folder, "expected.html"), `${withoutDrawings(content.html)}\n`);
    compare(join(folder, "warnings.txt"), [...warnings, ...content.warnings, ""].join("\n"));
    assert.deepEqual(labContent(notebook, settings), content, "the same input gives the same page");
    const page = `<!doctype html>\n<html lang="en"><head><title>${name}</title></head><body>${content.html}</body></html>`;
    assert.deepEqual(await htmlFaults(page), []);
  });
}

function materialIn(folder: string): Material {
  const file = join(folder, "material.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Material) : nothingBeside;
}

/** How a picture is drawn is the views' own matter, with golden files of its own. */
const withoutDrawings = (html: string): string =>
  html.replace(/(<svg[^>]*?) style="[^"]*"[^>]*>[\s\S]*?<\/svg>/g, (whole) =>
    whole.includes("data-packet") ? `<svg>${whole.split("data-packet=").length - 1} packets</svg>` : whole,
  );

function compare(file: string, found: string): void {
  if (writing) writeFileSync(file, found);
  assert.equal(found, readFileSync(file, "utf8"));
}
