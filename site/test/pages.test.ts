import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { samples } from "kernel-helpers/dist/tools/gallery";
import { bundle } from "kernel-helpers/dist/views/view";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { main } from "site/dist-build/main";
import { deadLinks, htmlFaults } from "./checks";
import { openBrowser, withoutChromium } from "./chromium";
import { code, notebook, prose, shown } from "./notebooks";

const root = mkdtempSync(join(tmpdir(), "site-pages-"));
const out = join(root, "site");
const cases = join(dirname(require.resolve("site/package.json")), "test", "cases");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
let browser: Browser | undefined;

/** A site of the cases and of every picture that the views can draw. */
before(async () => {
  const from = join(root, "in");
  mkdirSync(from);
  makeCourse(join(root, "course"));
  for (const name of ["prose", "outputs", "lesson"]) {
    writeFileSync(join(from, `${name}.ipynb`), readFileSync(join(cases, name, "input.ipynb")));
  }
  const pictures = (await samples()).map(({ name, view }) => code(JSON.stringify(name), [shown(bundle(view))]));
  writeFileSync(join(from, "pictures.ipynb"), notebook([prose("# Pictures\n\n## All of them"), ...pictures]));
  assert.equal(await main({ options: { from, out } }), 0);
  if (!withoutChromium) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  rmSync(root, { recursive: true, force: true });
});

/** A course folder of one lab: the stubs, hints and other answers of the case `lesson`. */
function makeCourse(folder: string): void {
  const { stubs, hints, others } = JSON.parse(readFileSync(join(cases, "lesson", "material.json"), "utf8"));
  const beside = join(folder, "solutions", "03-test", "late");
  mkdirSync(beside, { recursive: true });
  const cells = Object.entries(stubs as Record<string, string>).map(([id, source]) => code(source, [], { id }));
  writeFileSync(join(folder, "03-test.ipynb"), notebook(cells));
  writeFileSync(
    join(folder, "course.json"),
    JSON.stringify({
      labs: [
        { id: 3, slug: "03-test" },
        { id: 4, slug: "04-later" },
      ],
    }),
  );
  writeFileSync(join(beside, "hints.md"), hints.late.map((text: string) => `## Step\n\n${text}\n`).join("\n"));
  writeFileSync(join(beside, "other.ts"), others.late);
  process.env.MQTT_LAB_NOTEBOOKS = folder;
}

async function visit<T>(name: string, options: BrowserContextOptions, look: (page: Page) => Promise<T>): Promise<T> {
  const context = await (browser as Browser).newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(out, name)).href);
    return await look(page);
  } finally {
    await context.close();
  }
}

const pages = (): string[] => readdirSync(out).filter((name) => name.endsWith(".html"));

test("pages are valid HTML", async () => {
  for (const name of pages()) assert.deepEqual(await htmlFaults(readFileSync(join(out, name), "utf8")), [], name);
});

test("every link leads somewhere", () => assert.deepEqual(deadLinks(out), []));

test("every view is drawn again, in the page's own colours", async () => {
  const html = readFileSync(join(out, "pictures.html"), "utf8");
  const kinds = (await samples()).map(({ view }) => view.kind);
  const asked = kinds.filter((kind) => kind === "predict" || kind === "reveal").length;
  // Of the two recordings of 500 packets the notebook keeps a part: they are shown as they were drawn.
  assert.equal(html.match(/class="(?:scroll|wire) view /g)?.length, kinds.length - asked);
  const own =
    html.slice(html.indexOf("<main")).match(/(?:fill|stroke|color|background-color)[=:]"?#[0-9a-f]{3,6}/gi) ?? [];
  assert.deepEqual([...new Set(own)], [], "colours that know no dark theme");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe-core finds nothing, ${colorScheme}`, { skip: withoutChromium }, async () => {
    for (const name of pages()) {
      const faults = await visit(name, { colorScheme, bypassCSP: true }, async (page) => {
        await page.evaluate(() => {
          for (const fold of document.querySelectorAll("details")) fold.open = true;
        });
        await page.evaluate(axe);
        return page.evaluate(async () => {
          const { violations } = await (
            globalThis as unknown as {
              axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
            }
          ).axe.run();
          return violations.map((one) => `${one.id}: ${one.nodes[0]?.html.slice(0, 200)}`);
        });
      });
      assert.deepEqual(faults, [], name);
    }
  });
}

test("no page is wider than its window, from 360 px on", { skip: withoutChromium }, async () => {
  for (const width of [360, 768, 1400]) {
    for (const name of pages()) {
      const wide = await visit(name, { viewport: { width, height: 800 } }, (page) =>
        page.evaluate(() => document.documentElement.scrollWidth),
      );
      assert.ok(wide <= width, `${name} at ${width} px: ${wide}`);
    }
  }
});

test("without any script the page is whole, folds open and the theme can be chosen", {
  skip: withoutChromium,
}, async () => {
  await visit("lesson.html", { javaScriptEnabled: false, colorScheme: "light" }, async (page) => {
    assert.equal(await page.locator("#outline summary").isVisible(), true);
    await page.locator(".hint > summary").first().click();
    await page
      .getByText("Look at the flag.")
      .waitFor({ state: "visible", timeout: 5_000 })
      .catch(() => {});
    await page.locator("label[for=theme-dark]").click();
    await page.locator(".forecast input").first().check();
    const ground = await page.locator("body").screenshot();
    assert.ok(ground.length > 0);
  });
});

test("a theme chosen by hand stays, and wins over the preference", { skip: withoutChromium }, async () => {
  await visit("lesson.html", { colorScheme: "light" }, async (page) => {
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.locator("label[for=theme-dark]").click();
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await ground(), dark);
    await page.locator("label[for=theme-auto]").click();
    assert.equal(await ground(), light);
  });
});

test("a forecast on the page meets what was observed", { skip: withoutChromium }, async () => {
  await visit("lesson.html", {}, async (page) => {
    await page.locator(".forecast input[value=none]").check();
    assert.match((await page.locator(".yours").textContent()) ?? "", /Your forecast: nothing ○ not as observed/);
    await page.locator(".forecast input[value=last]").check();
    assert.match((await page.locator(".yours").textContent()) ?? "", /the last value ✓ as observed/);
  });
});

test("a link into a fold opens it", { skip: withoutChromium }, async () => {
  await visit("lesson.html", {}, async (page) => {
    await page.evaluate(() => {
      document.querySelector(".solution .outputs")?.setAttribute("id", "inside");
      location.hash = "#inside";
    });
    await page.waitForFunction(() => document.querySelector<HTMLDetailsElement>(".solution")?.open === true);
  });
});

test("nothing is asked of any host, and the policy has nothing to stop", { skip: withoutChromium }, async () => {
  for (const name of pages()) {
    const context = await (browser as Browser).newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(pathToFileURL(join(out, name)).href);
    assert.deepEqual(
      asked.filter((url) => !url.startsWith("data:")),
      [pathToFileURL(join(out, name)).href],
    );
    assert.deepEqual(said, [], name);
    await context.close();
  }
});

test("on paper: what folds is open, hints and solutions stay away", { skip: withoutChromium }, async () => {
  await visit("lesson.html", {}, async (page) => {
    await page.emulateMedia({ media: "print" });
    const seen = (selector: string): Promise<boolean> => page.locator(selector).first().isVisible();
    assert.equal(await seen("header"), false);
    assert.equal(await seen(".hint"), false);
    assert.equal(await seen(".solution"), false);
    assert.equal(await seen(".forecast"), true);
    assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
  });
});
