import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { main } from "site/dist-build/main";
import { type Served, serveFolder } from "site/dist-build/serve";
import { openBrowser, withoutChromium } from "./chromium";
import { code, notebook } from "./notebooks";

/** What a reader without a mouse does: everything here happens by keys, in real Chromium. */
const root = mkdtempSync(join(tmpdir(), "site-keyboard-"));
const out = join(root, "site");
const cases = join(dirname(require.resolve("site/package.json")), "test", "cases");
let browser: Browser | undefined;
let served: Served | undefined;

before(async () => {
  const [from, course] = [join(root, "in"), join(root, "course")];
  for (const folder of [from, join(course, "solutions", "03-test", "late")]) mkdirSync(folder, { recursive: true });
  const material = JSON.parse(readFileSync(join(cases, "lesson", "material.json"), "utf8"));
  const stubs = Object.entries(material.stubs as Record<string, string>).map(([id, source]) =>
    code(source, [], { id }),
  );
  writeFileSync(join(course, "03-test.ipynb"), notebook(stubs));
  const hints = (material.hints.late as string[]).map((text) => `## Step\n\n${text}\n`).join("\n");
  writeFileSync(join(course, "solutions", "03-test", "late", "hints.md"), hints);
  process.env.MQTT_LAB_NOTEBOOKS = course;
  for (const name of ["lesson", "recordings", "prose"]) {
    writeFileSync(join(from, `${name}.ipynb`), readFileSync(join(cases, name, "input.ipynb")));
  }
  assert.equal(await main({ options: { from, out } }), 0);
  served = await serveFolder(out);
  if (!withoutChromium) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
  rmSync(root, { recursive: true, force: true });
});

const SIZES = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];

async function walk(size: { width: number; height: number }, way: (page: Page) => Promise<void>): Promise<void> {
  // Where the page glides, the focused element comes into the window later than the key.
  const context = await (browser as Browser).newContext({ viewport: size, reducedMotion: "reduce" });
  try {
    await way(await context.newPage());
  } finally {
    await context.close();
  }
}

interface Focused {
  /** Which of the page's elements, -1 for none. */
  readonly at: number;
  readonly says: string;
  /** Whether it lies in the window, at least in part. */
  readonly seen: boolean;
  /** Whether something marks it: an outline on it, or on the label that stands for it. */
  readonly marked: boolean;
}

const focused = (page: Page): Promise<Focused> =>
  page.evaluate(() => {
    const one = document.activeElement ?? document.body;
    if (one === document.body || one === document.documentElement)
      return { at: -1, says: "", seen: true, marked: true };
    // The theme's inputs are hidden behind their labels.
    const shown = one.matches(".themes input") ? (one.nextElementSibling ?? one) : one;
    const { top, bottom, left, right, width, height } = shown.getBoundingClientRect();
    const { outlineStyle, outlineWidth } = getComputedStyle(shown);
    return {
      at: [...document.querySelectorAll("*")].indexOf(one),
      says: `${one.tagName.toLowerCase()} ${one.getAttribute("aria-label") ?? one.textContent?.trim().slice(0, 60)}`,
      seen: width > 0 && height > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
      marked: outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0,
    };
  });

/** Goes on by Tab (or back) until the focused element matches. Fails where it can't be reached. */
async function tabTo(page: Page, selector: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let presses = 0; presses < 400; presses++) {
    await page.keyboard.press(key);
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) {
      const { seen, marked, says } = await focused(page);
      assert.ok(seen && marked, `${says}: focused, and ${seen ? "not marked" : "not in the window"}`);
      return;
    }
  }
  assert.fail(`${key} does not come to ${selector}`);
}

const says = (page: Page, selector: string): Promise<string> =>
  page.evaluate((of) => document.querySelector(of)?.textContent ?? "", selector);
const isOpen = (page: Page): Promise<boolean> =>
  page.evaluate(() => (document.activeElement?.parentElement as HTMLDetailsElement | null)?.open === true);

for (const size of SIZES) {
  test(`from the front page through a lab to search by keys, ${size.width} px wide`, {
    skip: withoutChromium,
  }, async () => {
    await walk(size, async (page) => {
      await page.goto(served?.url ?? "");
      // Past the header at once, then into the first lab.
      await page.keyboard.press("Tab");
      assert.match((await focused(page)).says, /Skip to the text/);
      assert.equal((await focused(page)).seen, true);
      await page.keyboard.press("Enter");
      await tabTo(page, ".go a");
      await tabTo(page, ".map a[href='lesson.html']");
      await page.keyboard.press("Enter");
      await page.waitForURL(/lesson\.html/);

      // The outline leads to a heading, and the keyboard goes on from there.
      if (size.width < 1000) {
        await tabTo(page, "#outline summary");
        await page.keyboard.press("Enter");
      }
      await tabTo(page, "#outline a");
      const href = await page.evaluate(() => document.activeElement?.getAttribute("href") ?? "");
      await page.keyboard.press("Enter");
      assert.equal(new URL(page.url()).hash, href);
      await page.keyboard.press("Tab");
      const isAfter = await page.evaluate((id) => {
        const heading = document.getElementById(decodeURIComponent(id.slice(1)));
        const now = document.activeElement;
        return !!heading && !!now && !!(heading.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING);
      }, href);
      assert.ok(isAfter || (await page.evaluate(() => document.activeElement?.closest("h2, h3") !== null)));

      // A forecast, and the output that waited for it.
      await page.goto(`${served?.url}lesson.html`);
      await tabTo(page, "input[data-question]");
      await page.keyboard.press("Space");
      await tabTo(page, ".held > summary");
      await page.keyboard.press("Enter");
      assert.equal(await isOpen(page), true);
      assert.match(await says(page, ".yours:not([hidden])"), /^Your forecast: /);

      // Hints open one after the other, then the solution.
      const steps = await page.locator(".hint").count();
      assert.equal(steps, 3);
      for (let step = 1; step <= steps; step++) {
        await tabTo(page, ".hint > summary");
        assert.match((await focused(page)).says, new RegExp(`Hint ${step} of 3`));
        await page.keyboard.press("Enter");
        assert.equal(await isOpen(page), true);
      }
      await tabTo(page, ".solution > summary");
      await page.keyboard.press("Space");
      assert.equal(await isOpen(page), true);

      // Packets, one after the other; the focus stays where it is, also at the ends.
      await page.goto(`${served?.url}recordings.html`);
      await tabTo(page, ".stepper button:nth-of-type(2)");
      await page.keyboard.press("Enter");
      const of = /^1 of (\d+)$/.exec(await says(page, ".stepper .said"))?.[1];
      assert.ok(of, "the first packet is shown");
      for (let at = 2; at <= Number(of) + 1; at++) await page.keyboard.press("Enter");
      assert.equal(await says(page, ".stepper .said"), `${of} of ${of}`);
      assert.match((await focused(page)).says, /Next/);
      await page.keyboard.press("ArrowLeft");
      assert.equal(await says(page, ".stepper .said"), `${Number(of) - 1} of ${of}`);
      await tabTo(page, ".stepper select");
      await page.keyboard.press("ArrowDown");
      assert.match(await says(page, ".stepper .said"), /packets$/);
      await tabTo(page, "li[data-packet] summary");
      await page.keyboard.press("Enter");
      await tabTo(page, "li[data-packet] summary");

      // Search, from the header, to a cell.
      await tabTo(page, "header a[href='search.html']", "Shift+Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(/search\.html/);
      if (!(await page.evaluate(() => document.activeElement?.id === "search-words"))) {
        await tabTo(page, "#search-words");
      }
      await page.keyboard.type("showSequence");
      await page.locator("#search-found mark").first().waitFor();
      await tabTo(page, "#search-found a");
      const found = await page.evaluate(() => document.activeElement?.getAttribute("href") ?? "");
      await page.keyboard.press("Enter");
      await page.waitForURL(/#/);
      assert.ok(page.url().endsWith(found), found);

      // The theme, and that it stays.
      await page.goto(`${served?.url}glossary.html`);
      await tabTo(page, ".themes input");
      for (const theme of ["light", "dark"]) {
        await page.keyboard.press("ArrowRight");
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
        assert.equal((await focused(page)).marked, true);
      }
      await page.goto(`${served?.url}topics.html`);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    });
  });

  test(`Tab goes through every page to its end, always seen, ${size.width} px wide`, {
    skip: withoutChromium,
  }, async () => {
    await walk(size, async (page) => {
      for (const name of readdirSync(out).filter((file) => file.endsWith(".html"))) {
        await page.goto(`${served?.url}${name}`);
        const been: number[] = [];
        for (;;) {
          await page.keyboard.press("Tab");
          const now = await focused(page);
          // Past the last one, a page gives the focus back to the browser.
          if (now.at < 0 || now.at === been[0]) break;
          assert.ok(now.seen, `${name}: ${now.says} is focused out of the window`);
          assert.ok(now.marked, `${name}: nothing marks ${now.says}`);
          assert.equal(been.includes(now.at), false, `${name}: ${now.says} a second time`);
          been.push(now.at);
          assert.ok(been.length < 1_000, `${name} does not end`);
        }
        const last = await page.evaluate(() => {
          const links = document.querySelectorAll("footer a");
          return [...document.querySelectorAll("*")].indexOf(links[links.length - 1] as Element);
        });
        assert.equal(been.at(-1), last, `${name}: Tab ends before the page does`);
      }
    });
  });
}
