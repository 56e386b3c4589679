import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { deliveries, firstPackets } from "kernel-helpers/dist/tools/gallery-samples";
import { packetsView } from "kernel-helpers/dist/views/packets";
import { sequenceView } from "kernel-helpers/dist/views/sequence";
import { bundle } from "kernel-helpers/dist/views/view";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { main } from "site/dist-build/main";
import { type Watching, watchSite } from "site/dist-build/watch";
import { deadLinks } from "./checks";
import { openBrowser, withoutChromium } from "./chromium";
import { code, notebook, prose, shown, stream, view } from "./notebooks";

/** What a reader does with the site: looks things up, searches, steps through packets, comes back after a change. */
const root = mkdtempSync(join(tmpdir(), "site-reading-"));
const from = join(root, "in");
const out = join(root, "site");
let browser: Browser | undefined;
let served: Watching | undefined;
let builds = 0;

const build = async (): Promise<number> => {
  const code = await main({ options: { from, out } });
  builds++;
  return code;
};

const observed = (id: string, mosquitto: string, holds: boolean, deviation: string | null = null): unknown =>
  view("observation", {
    id,
    holds,
    observed: holds ? "closed" : "left open",
    expected: "closed",
    deviation,
    mosquitto,
    engine: "docker",
  });

const lab = (mosquitto: string, ...observations: unknown[]): string =>
  notebook(
    [
      prose(
        "# Sessions: who is remembered\n\n| | |\n|---|---|\n| Before this | lab 3; lab 9 helps |\n\nA lead of more than forty letters, so that it is one.",
        { id: "title" },
      ),
      prose(
        "## What a broker keeps\n\nA *session* is what a broker remembers of a client. Keepalive is another matter.",
        {
          id: "teach",
          metadata: { mqtt: { terms: ["session", "keep alive"] } },
        },
      ),
      code("const tap = await lab.tap(broker);\nshowSequence(tap.packets)", [shown(bundle(sequenceView(deliveries)))], {
        id: "steps",
        metadata: { mqtt: { proves: ["L4.1", "MQTT-3.1.0-1"] } },
      }),
      prose("**[MQTT-3.1.0-1]**: the first packet from a client must be CONNECT. This one sends PINGREQ.", {
        id: "words",
      }),
      code("showPackets(tap.packets)", [shown(bundle(packetsView(deliveries)))], { id: "table" }),
      code("showSequence(few)", [shown(bundle(sequenceView(firstPackets)))], { id: "few" }),
      code("unfold(few, 3)", [shown(bundle(packetsView(firstPackets, { unfold: [3] })))], {
        id: "unfolded",
      }),
      code("log()", [stream("\u001b[33mSaving in-memory database\u001b[0m to mosquitto.db\n")], { id: "log" }),
      code("lab.observe()", observations, { id: "observe", metadata: { mqtt: { proves: ["MQTT-3.1.0-1"] } } }),
    ],
    { mqtt: { lab: "04-sessions", run: { ok: true, engine: "docker", mosquitto, date: "2026-01-02T03:04:05Z" } } },
  );

before(async () => {
  mkdirSync(join(from, "mosquitto-2.0.11"), { recursive: true });
  mkdirSync(join(root, "course"));
  process.env.MQTT_LAB_NOTEBOOKS = join(root, "course");
  writeFileSync(
    join(root, "course", "course.json"),
    JSON.stringify({ labs: [{ id: 4, slug: "04-sessions", minutes: 60, needs: [] }] }),
  );
  writeFileSync(
    join(root, "course", "curriculum.json"),
    JSON.stringify({
      planned: [{ id: 3, slug: "03-qos", title: "Quality of service", minutes: 65, after: [], also: ["S1.2"] }],
      topics: { "L3.1": "QoS 0", "L4.1": "clean sessions", "S1.2": "persistent sessions", "S1.9": "nobody's" },
    }),
  );
  writeFileSync(join(from, "04-sessions.ipynb"), lab("2.1.2", observed("MQTT-3.1.0-1", "2.1.2", true)));
  writeFileSync(
    join(from, "mosquitto-2.0.11", "04-sessions.ipynb"),
    lab(
      "2.0.11",
      observed("MQTT-3.1.0-1", "2.0.11", false, "2.0.11 leaves it open"),
      observed("MQTT-9.9.9-9", "2.0.11", true),
    ),
  );
  assert.equal(await build(), 0);
  served = await watchSite({ out, folders: [from], build, port: 0 });
  if (!withoutChromium) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
  rmSync(root, { recursive: true, force: true });
});

const read = (name: string): string => readFileSync(join(out, name), "utf8");

async function visit<T>(
  address: string,
  look: (page: Page) => Promise<T>,
  options: BrowserContextOptions = {},
): Promise<T> {
  const context = await (browser as Browser).newContext(options);
  try {
    const page = await context.newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(address);
    const seen = await look(page);
    assert.deepEqual(said, []);
    return seen;
  } finally {
    await context.close();
  }
}
const url = (name: string): string => `${(served as Watching).url}${name}`;

test("every link leads somewhere, with labs and topics to come", () => assert.deepEqual(deadLinks(out), []));

test("the map has the labs that are written and those to come", () => {
  const front = read("index.html");
  assert.match(front, /1 of 2 labs written/);
  assert.match(front, /<li class="to-come"><span class="id">03<\/span><div>Quality of service<\/div>/);
  assert.match(front, /<p class="after">after lab 3<\/p>/);
  assert.ok(
    front.indexOf("Quality of service</div>") < front.lastIndexOf("Sessions: who is remembered</a>"),
    "in the course's order",
  );
});

test("topics lead to the cells that prove them, or to the lab that will", () => {
  const topics = read("topics.html");
  assert.match(topics, /4 topics: 1 shown by cells that ran, the others to come/);
  assert.match(topics, /id="L4\.1">[\s\S]*?<a href="04-sessions\.html#cell-steps">lab 4, cell 1<\/a>/);
  assert.match(topics, /id="L3\.1">[\s\S]*?to come: lab 3, Quality of service/);
  assert.match(topics, /id="S1\.2">[\s\S]*?to come: lab 3/);
  assert.match(topics, /id="S1\.9">[\s\S]*?no cell shows it yet/);
});

test("the ledger sets releases side by side, with deviations, and quotes what the statement demands", () => {
  const ledger = read("statements.html");
  assert.match(ledger, /<th scope="col">Mosquitto 2\.1\.2<\/th><th scope="col">Mosquitto 2\.0\.11<\/th>/);
  const row = /<tr id="MQTT-3\.1\.0-1">.*/.exec(ledger)?.[0] ?? "";
  assert.match(row, /The first packet from a client must be CONNECT\.<\/span>/);
  assert.match(row, /✓ holds.*◐ deviates.*2\.0\.11 leaves it open.*<code>left open<\/code>/);
  assert.match(row, /04-sessions\.html#cell-steps.*04-sessions\.html#cell-observe/);
  assert.doesNotMatch(ledger, /MQTT-9\.9\.9-9/, "what the lab does not show any more is no part of it");
});

test("the glossary has each term with its first sentence", () => {
  const glossary = read("glossary.html");
  assert.match(
    glossary,
    /<dt>session<\/dt><dd>A session is what a broker remembers of a client\. .*04-sessions\.html#cell-teach/,
  );
  assert.match(glossary, /<dt>keep alive<\/dt><dd>Keepalive is another matter\./);
});

test("search finds prose, code and outputs, marks them, and helps with a slip", { skip: withoutChromium }, async () => {
  await visit(url("search.html"), async (page) => {
    const says = page.locator("#search-says");
    const search = async (words: string, wanted: RegExp): Promise<void> => {
      await page.locator("#search-words").fill(words);
      await page.waitForFunction(
        (source) => new RegExp(source).test(document.getElementById("search-says")?.textContent ?? ""),
        wanted.source,
      );
    };
    await search("remembers", /^1 place in one lab/);
    assert.equal(await page.locator("#search-found mark").first().textContent(), "remembers");
    assert.equal(await page.locator("#search-found a").first().getAttribute("href"), "04-sessions.html#cell-teach");
    await search("showpackets", /^1 place/);
    assert.match((await page.locator("#search-found .from").textContent()) ?? "", /^code/);
    await search("in-memory database", /^1 place/);
    assert.match((await page.locator("#search-found .from").textContent()) ?? "", /^output/);
    await search('"packet from a client" connect', /^1 place/);
    await page.locator("input[value=p]").uncheck();
    await search('"packet from a client"', /Nothing has all/);
    await page.locator("input[value=p]").check();
    await search("remembrs", /Did you mean remembers\?/);
    await says.locator("a").click();
    await page.locator("#search-found mark").first().waitFor();
    assert.equal(new URL(page.url()).search, "?q=remembers");
  });
});

test("opened as a file, search says why it cannot work", { skip: withoutChromium }, async () => {
  await visit(pathToFileURL(join(out, "search.html")).href, async (page) => {
    assert.match(
      (await page.locator("#search-says").textContent()) ?? "",
      /opened as a file, and browsers let no file read another/,
    );
    assert.equal(await page.locator("#search-words").isDisabled(), true);
  });
});

test("without a script, search sends to the indexes", { skip: withoutChromium }, async () => {
  await visit(
    url("search.html"),
    async (page) => assert.match((await page.locator("#search-says").textContent()) ?? "", /needs a script/),
    { javaScriptEnabled: false },
  );
});

test("packets can be stepped through, unfolded to bytes, and filtered by client", {
  skip: withoutChromium,
}, async () => {
  await visit(pathToFileURL(join(out, "04-sessions.html")).href, async (page) => {
    const wire = page.locator("#cell-steps .wire");
    const items = wire.locator("li[data-packet]");
    const all = await items.count();
    assert.equal(all, deliveries.length);
    await wire.getByText("Next ›").click();
    assert.equal(await wire.locator("li[data-packet]:visible").count(), 1);
    assert.equal(await wire.locator("[role=status]").textContent(), `1 of ${all}`);
    assert.equal(await wire.locator(".dump").first().isVisible(), true, "down to its bytes");
    assert.equal(await wire.locator("svg .later").count(), all - 1);
    await page.keyboard.press("ArrowRight");
    assert.equal(await wire.locator("[role=status]").textContent(), `2 of ${all}`);
    await page.keyboard.press("ArrowLeft");
    await wire.getByText("All", { exact: true }).click();
    assert.equal(await wire.locator("svg .later").count(), 0);
    assert.equal(await items.filter({ visible: true }).count(), all);
    const client = deliveries[0]?.clientId ?? "";
    await wire.locator("select").selectOption(client);
    const own = deliveries.filter((one) => one.clientId === client).length;
    assert.equal(await items.filter({ visible: true }).count(), own);
    assert.equal(await wire.locator("svg .other").count(), all - own);
    // A table of packets has no picture to step through: only the clients.
    assert.equal(await page.locator("#cell-table .stepper button").count(), 0);
    assert.equal(await page.locator("#cell-table .stepper select").count(), 1);
    assert.equal(await page.locator("#cell-few .stepper select").count(), 0, "one client needs no filter");
  });
});

test("without a script a recording is complete: the picture, and each packet down to its bytes", {
  skip: withoutChromium,
}, async () => {
  await visit(
    pathToFileURL(join(out, "04-sessions.html")).href,
    async (page) => {
      assert.equal(await page.locator("#cell-steps svg").isVisible(), true);
      assert.equal(await page.locator(".stepper").count(), 0);
      await page.locator("#cell-steps .steps > summary").click();
      await page.locator("#cell-steps li[data-packet] summary").first().click();
      assert.equal(await page.locator("#cell-steps .dump").first().isVisible(), true);
    },
    { javaScriptEnabled: false },
  );
});

test("while an author writes, the site is built again and open pages reload", { skip: withoutChromium }, async () => {
  await visit(url("04-sessions.html"), async (page) => {
    const before = builds;
    const text = readFileSync(join(from, "04-sessions.ipynb"), "utf8");
    writeFileSync(join(from, "04-sessions.ipynb"), text.replace("who is remembered", "who is not forgotten"));
    await page.getByText("Sessions: who is not forgotten").first().waitFor();
    assert.ok(builds > before);
  });
  assert.doesNotMatch(read("04-sessions.html"), /EventSource/, "only what is served has the reload");
  const missing = await fetch(url("..%2f..%2fetc%2fpasswd"));
  assert.equal(missing.status, 404);
});

test("the list of changes is a feed as well, of Atom's shape and well-formed", async (t) => {
  const atom = read("changes.xml");
  const one = (within: string, pattern: RegExp): string => pattern.exec(within)?.[1] ?? "";
  const entries = [...atom.matchAll(/<entry>(.*)<\/entry>/g)].map(([, inside]) => inside as string);
  assert.equal(entries.length, read("changes.html").split("<dt>").length - 1);
  for (const part of [...entries, atom.replace(/<entry>.*<\/entry>\n/g, "")]) {
    assert.match(
      one(part, /<id>([^<]*)</),
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.match(one(part, /<updated>([^<]*)</), /^\d{4}-\d\d-\d\dT00:00:00Z$/);
    assert.notEqual(one(part, /<title>([^<]*)</), "");
  }
  assert.equal(new Set(entries.map((entry) => one(entry, /<id>([^<]*)</))).size, entries.length);
  for (const [, href] of atom.matchAll(/ href="([^"]*)"/g)) read(href as string);
  assert.match(read("index.html"), /<link rel="alternate" type="application\/atom\+xml" href="changes\.xml"/);
  if (withoutChromium) return t.diagnostic("not parsed by a browser: no Chromium");
  await visit("about:blank", async (page) => {
    const fault = await page.evaluate(
      (text) => new DOMParser().parseFromString(text, "application/xml").querySelector("parsererror")?.textContent,
      atom,
    );
    assert.equal(fault, undefined);
  });
});

test("what the author unfolds stands open", { skip: withoutChromium }, async () => {
  await visit(url("04-sessions.html"), async (page) => {
    const open = page.locator("#cell-unfolded li[data-packet] > details[open]");
    assert.equal(await open.count(), 1);
    assert.equal(await page.locator('#cell-unfolded li[data-packet="3"] .dump').isVisible(), true);
    assert.equal(await page.locator('#cell-unfolded li[data-packet="1"] .dump').isVisible(), false);
  });
});

test("a search file has no solution, no forecast and no hint", () => {
  for (const name of readdirSync(join(out, "search"))) {
    assert.doesNotMatch(readFileSync(join(out, "search", name), "utf8"), /lab\.guess|Hint/);
  }
});
