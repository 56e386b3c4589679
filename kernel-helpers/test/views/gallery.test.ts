import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { galleryPage, samples } from "kernel-helpers/dist/tools/gallery";
import type { View } from "kernel-helpers/dist/views/view";
import type { Browser, Page } from "playwright-core";
import { chromiumPath, launchChromium } from "../jupyterlab/lab-page";

const golden = join(dirname(require.resolve("kernel-helpers/package.json")), "test", "golden", "views");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const withoutChromium = chromiumPath ? false : "no Chromium on this machine";
/** In the page only. */
declare const document: { querySelectorAll(selector: string): Iterable<{ open: boolean }> };
let browser: Browser | undefined;
let all: { name: string; view: View }[];

before(async () => {
  all = await samples();
  if (chromiumPath) browser = await launchChromium();
});
after(() => browser?.close());

async function visit<T>(ground: "light" | "dark", look: (page: Page) => Promise<T>): Promise<T> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1500, height: 900 } });
  try {
    const page = await context.newPage();
    await page.setContent(await galleryPage(ground), { waitUntil: "load" });
    return await look(page);
  } finally {
    await context.close();
  }
}

/** Made by hand for what they do to a picture, not for how they look. */
const EXTREME = /hostile|500|long|nothing yet/;

test("what is drawn from the recordings is as the golden files have it, in text and in pictures", () => {
  const files = new Map<string, string>();
  for (const { name, view } of all) {
    if (EXTREME.test(name)) continue;
    const file = name.replace(/[^a-z0-9]+/gi, "-");
    files.set(`${file}.txt`, `${view.text}\n`);
    files.set(`${file}.${view.as}`, `${view.picture.replace(/></g, ">\n<")}\n`);
  }
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(golden, { recursive: true });
    for (const [file, content] of files) writeFileSync(join(golden, file), content);
  }
  for (const [file, content] of files) {
    assert.equal(
      content,
      readFileSync(join(golden, file), "utf8"),
      `${file}; UPDATE_GOLDEN=1 npm test -- views accepts it`,
    );
  }
  assert.deepEqual(readdirSync(golden).sort(), [...files.keys()].sort(), "no golden file is left over");
});

for (const ground of ["light", "dark"] as const) {
  test(`axe-core finds nothing in the gallery, ${ground}`, { skip: withoutChromium }, async () => {
    const faults = await visit(ground, async (page) => {
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll("details")) fold.open = true;
      });
      await page.evaluate(axe);
      return page.evaluate(async () => {
        const run = (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
        const { violations } = await run.run();
        return violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map((one) => one.html.slice(0, 200))
              .slice(0, 4)
              .join(" ")}`,
        );
      });
    });
    assert.deepEqual(faults, []);
  });
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** A node of Chromium's accessibility tree, as far as it is read here. */
interface AxNode {
  readonly nodeId: string;
  readonly parentId?: string;
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
  readonly description?: { readonly value: string };
}

test("a screen reader finds a title and a description, or a table with its caption, in every picture", {
  skip: withoutChromium,
}, async () => {
  const nodes = await visit("light", async (page) => {
    const session = await page.context().newCDPSession(page);
    return (await session.send("Accessibility.getFullAXTree")).nodes as AxNode[];
  });
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const groupOf = (node: AxNode | undefined): string | undefined => {
    for (let at = node; at; at = at.parentId === undefined ? undefined : byId.get(at.parentId)) {
      const name = at.name?.value ?? "";
      if (at.role?.value === "group" && name.endsWith(": picture")) return name.slice(0, -": picture".length);
    }
    return undefined;
  };
  const inside = new Map<string, AxNode[]>();
  for (const node of nodes) {
    const group = node.ignored ? undefined : groupOf(node);
    if (group !== undefined) inside.set(group, [...(inside.get(group) ?? []), node]);
  }
  for (const { name, view } of all) {
    const own = inside.get(name) ?? [];
    const named = (role: string) => own.filter((node) => node.role?.value === role && node.name?.value);
    if (view.as === "svg") {
      const [image, ...more] = named("image");
      assert.ok(image && !more.length, `${name}: one image with a name`);
      assert.ok((image.description?.value ?? "").length > 10, `${name}: the image has a description`);
    } else {
      const said = named("table").length || named("StaticText").length;
      assert.ok(said, `${name}: a table with a caption, or text`);
      assert.equal(
        own.filter((node) => node.role?.value === "table" && !node.name?.value).length,
        0,
        `${name}: each table is named`,
      );
    }
  }
});
