import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { until } from "kernel-helpers/dist/core/until";
import { firstPackets } from "kernel-helpers/dist/tools/gallery-samples";
import { sequenceView } from "kernel-helpers/dist/views/sequence";
import { tableView } from "kernel-helpers/dist/views/table";
import { bundle, type View } from "kernel-helpers/dist/views/view";
import type { Browser } from "playwright-core";
import { type CellState, chromiumPath, LabPage, launchChromium, styleOf, textOf } from "./lab-page";
import { writeNotebook } from "./notebook";
import { type Server, startServer } from "./server";

const lacking =
  (!chromiumPath && "no Chromium here (CHROMIUM may name one)") ||
  (!existsSync(join(courseRoot, ".venv")) && "no JupyterLab here (npm start brings it)");

const GOOD = [
  `import { openLab, showSequence, showTable } from "kernel-helpers";
const lab = await openLab("jupyterlab-test");
lab.engine`,
  `const broker = await lab.broker({ conf: "listener 1883\\nallow_anonymous true\\n" });
broker`,
  `const tap = await lab.tap(broker);
const meter = await lab.client(tap, { clientId: "meter" });
showSequence(tap.packets)`,
  `showTable({ caption: "Doors", columns: ["port", "protocol"], rows: [[1883, "mqtt"]] })`,
];

describe("JupyterLab in Chromium", { skip: lacking }, () => {
  let server: Server;
  let browser: Browser;
  let lab: LabPage;

  before(async () => {
    [server, browser] = await Promise.all([startServer(), launchChromium()]);
    lab = await LabPage.open(browser, server);
  });
  after(async () => {
    await lab?.close();
    await Promise.all([browser?.close(), server?.end()]);
  });

  /** What the page complained of belongs to the test in which it did. */
  afterEach(async () => {
    if (!lab) return;
    await lab.closeNotebook();
    assert.deepEqual(lab.faults.splice(0), [], "errors in the page's console");
  });

  /** Writes a notebook where JupyterLab sees it, opens it and waits for its kernel. */
  const open = (name: string, cells: Parameters<typeof writeNotebook>[2]) =>
    lab.openNotebook(writeNotebook(server.folder, name, cells));

  test("Run All on a good notebook numbers every cell and shows its pictures", async () => {
    await open("good.ipynb", GOOD);
    const cells = await lab.runAll();
    assert.deepEqual(numbers(cells), [1, 2, 3, 4], cells.map(textOf).join("\n"));
    assert.match(textOf(cells[0]!), /embedded/);
    assert.match(textOf(cells[1]!), /mosquitto 2\.\d+.*mqtt:\/\/127\.0\.0\.1:\d+/);
    const picture = (await lab.at("c3")).locator('img[src^="data:image/svg+xml"]');
    await picture.waitFor();
    assert.ok((await picture.evaluate((image: { naturalWidth: number }) => image.naturalWidth)) > 200);
    await (await lab.at("c4")).getByRole("rowheader", { name: "1883" }).waitFor();
  });

  test("restarting the kernel and running all starts from an empty kernel", async () => {
    await open("restart.ipynb", [
      "const kept = globalThis as { runs?: number };\nkept.runs = (kept.runs ?? 0) + 1;\nkept.runs",
      "kept.runs! * 10",
    ]);
    await lab.runAll();
    assert.deepEqual((await lab.runAll()).map(textOf), ["2", "20"]);
    await lab.page.getByRole("button", { name: "Restart the kernel and run all cells" }).click();
    await lab.page.locator(".jp-Dialog .jp-mod-accept").click();
    await lab.shows("c2", /^10$/);
    await lab.idle();
    assert.deepEqual(numbers(await lab.cells()), [1, 2]);
  });

  test("Run All stops at a failing cell: red, and later cells without a number", async () => {
    await open("bad.ipynb", [
      "const reading = 71.5;",
      'const parse = (text: string) => { throw new RangeError("no number: " + text); };\nparse("hot");',
      "reading",
      "reading + 1",
    ]);
    const cells = await lab.runAll();
    assert.deepEqual(numbers(cells), [1, 2, null, null]);
    assert.deepEqual(
      cells.slice(2).flatMap((cell) => cell.outputs),
      [],
    );
    const [error] = cells[1]!.outputs;
    assert.equal(error?.output_type, "error");
    assert.deepEqual([error.ename, error.evalue], ["RangeError", "no number: hot"]);
    const traceback = (await lab.at("c2")).locator(".jp-OutputArea-output pre");
    assert.match(await traceback.innerText(), /RangeError: no number: hot/);
    const [red, plain] = await Promise.all([
      styleOf(traceback.locator("xpath=.."), "backgroundColor"),
      styleOf((await lab.at("c1")).locator(".jp-OutputArea"), "backgroundColor"),
    ]);
    assert.notEqual(red, plain, "a traceback stands on a ground of its own");
    // The kernel goes on after it.
    assert.equal(textOf(await lab.runCell("c3")), "71.5");
  });

  test("a cell that is run before those above it says what to do", async () => {
    await open("early.ipynb", ["const lab = 1;", "lab + 1"]);
    const early = await lab.runCell("c2");
    assert.match(textOf(early), /TypeScriptError: 1:1 - Cannot find name 'lab'/);
    const traceback = (await lab.at("c2")).locator(".jp-OutputArea-output pre");
    assert.match(await traceback.innerText(), /Try: if a cell above defines lab, run that one first/);
    await lab.runCell("c1");
    assert.equal(textOf(await lab.runCell("c2")), "2");
  });

  test("a display is updated in its place, also from a later cell", async () => {
    await open("update.ipynb", [
      'import { newDisplay } from "tslab";\nconst gauge = newDisplay();\ngauge.html("<b>71.5 °C</b>");\ngauge.html("<b>72.0 °C</b>");',
      'gauge.html("<b>73.5 °C</b>");',
    ]);
    await lab.runCell("c1");
    const shown = (await lab.at("c1")).locator(".jp-OutputArea-output");
    assert.deepEqual(await shown.allInnerTexts(), ["72.0 °C"]);
    const later = await lab.runCell("c2");
    assert.deepEqual(later.outputs, []);
    assert.deepEqual(await (await lab.at("c1")).locator(".jp-OutputArea-output").allInnerTexts(), ["73.5 °C"]);
  });

  test("Tab completes the helpers' names", async () => {
    await open("complete.ipynb", ['import * as helpers from "kernel-helpers";', ""]);
    await lab.runCell("c1");
    const editor = (await lab.at("c2")).locator(".cm-content");
    await editor.click();
    await lab.page.keyboard.type("helpers.showSe");
    await lab.page.keyboard.press("Tab");
    const list = lab.page.locator(".jp-Completer:visible");
    await list.getByText("showSequence").waitFor();
    await lab.page.keyboard.press("Enter");
    await editor.getByText("helpers.showSequence").waitFor();
    await lab.page.keyboard.type(";\nhelpers.show");
    await lab.page.keyboard.press("Tab");
    await list.getByText("showTable").waitFor();
    const offered = await list.locator(".jp-Completer-match").allInnerTexts();
    for (const name of ["showHealth", "showLog", "showPackets"]) assert.ok(offered.includes(name), offered.join(" "));
    await lab.page.keyboard.press("Escape");
  });

  for (const [what, source] of [
    ["an await that never ends", "await new Promise(() => {});"],
    ["a busy loop", "for (;;) {}"],
    ["a busy loop after an await", "await null;\nfor (;;) {}"],
  ] as const) {
    test(`the stop button ends ${what} and keeps the kernel's state`, async () => {
      await open("interrupt.ipynb", ["const kept = 42;", `console.log("begun");\nawait null;\n${source}`, "kept"]);
      await lab.runCell("c1");
      await lab.startCells("c2");
      await lab.shows("c2", /begun/);
      await lab.page.getByRole("button", { name: /Interrupt the kernel/ }).click();
      await lab.idle();
      const stopped = (await lab.cell("c2")).outputs.find((output) => output.output_type === "error");
      assert.match(`${stopped?.ename}: ${stopped?.evalue}`, /interrupt/i);
      assert.equal(textOf(await lab.runCell("c3")), "42");
    });
  }

  test("a kernel that was killed comes back, and its broker is gone", async () => {
    await open("killed.ipynb", [...GOOD.slice(0, 2), "[process.pid, Number(new URL(broker.url).port)].join()"]);
    const [pid, port] = textOf((await lab.runAll())[2]!)
      .replaceAll("'", "")
      .split(",")
      .map(Number);
    assert.ok(await accepts(port!), "the broker is there before");
    process.kill(pid!, "SIGKILL");
    await until("the killed kernel's broker is gone", async () => !(await accepts(port!)));
    const message = lab.page.locator(".jp-Dialog", { hasText: "restart" });
    await message.locator(".jp-mod-accept").click();
    await lab.idle();
    const cells = await lab.runAll();
    assert.notEqual(Number(textOf(cells[2]!).replaceAll("'", "").split(",")[0]), pid);
  });

  test("cells have TypeScript's colours", async () => {
    await open("colours.ipynb", ["interface Reading { topic: string }\nconst plain = 1;\nplain"]);
    await lab.runCell("c1");
    const colourOf = async (word: string) => {
      const token = (await lab.at("c1")).locator(".cm-line span", { hasText: new RegExp(`^${word}$`) }).first();
      return styleOf(token, "color");
    };
    const plain = await styleOf((await lab.at("c1")).locator(".cm-line").last(), "color");
    assert.equal(await colourOf("interface"), await colourOf("const"), "interface is a keyword like const");
    assert.notEqual(await colourOf("interface"), plain);
  });

  test("outputs of a notebook that this machine never ran are shown", async () => {
    const table = tableView({ caption: "Doors", columns: ["port", "protocol"], rows: [[1883, "mqtt"]] });
    const sequence = sequenceView(firstPackets, { title: "first packets" });
    const output = (view: View) => ({
      output_type: "display_data",
      metadata: {},
      data: bundle(view),
    });
    await open("untrusted.ipynb", [
      { id: "html", source: "1", outputs: [output(table)] },
      { id: "svg", source: "2", outputs: [output(sequence)] },
    ]);
    const head = (await lab.at("html")).getByRole("rowheader", { name: "1883" });
    await head.waitFor();
    assert.equal(await styleOf(head, "backgroundColor"), "rgb(255, 255, 255)");
    // JupyterLab shows no SVG of a stranger, but an image, with words for those who see none.
    const image = (await lab.at("svg")).getByRole("img", { name: "first packets" });
    await image.waitFor();
    assert.ok((await image.evaluate((one: { naturalWidth: number }) => one.naturalWidth)) > 200);
    const words = (await lab.at("svg")).locator("pre", { hasText: "CONNECT" });
    assert.equal(await words.innerText(), sequence.text.trimEnd());
    assert.equal(await styleOf(words, "width"), "1px");
  });

  test("lab 1 as the learner finds it runs whole, twice in one kernel", { timeout: 180_000 }, async () => {
    await lab.openNotebook("01-environment.ipynb");
    for (const round of [1, 2]) {
      const cells = await lab.runAll();
      const faults = cells.filter((cell) => cell.outputs.some((output) => output.output_type === "error"));
      assert.deepEqual(
        faults.map((cell) => `${cell.id}: ${textOf(cell)}`),
        [],
        `round ${round}`,
      );
      assert.ok(cells.length > 20);
      assert.deepEqual(
        numbers(cells),
        cells.map((_, i) => (round - 1) * cells.length + i + 1),
      );
    }
    assert.deepEqual(await lab.page.locator(".Toastify__toast").allInnerTexts(), [], "JupyterLab asks nothing");
  });

  test("a broker's start that was stopped leaves the name free for the next", async () => {
    await open("stopped.ipynb", GOOD.slice(0, 2));
    await lab.runCell("c1");
    await lab.startCells("c2");
    await lab.status("busy");
    await lab.page.getByRole("button", { name: /Interrupt the kernel/ }).click();
    await lab.idle();
    assert.match(textOf(await lab.runCell("c2")), /mosquitto 2/);
  });
});

const numbers = (cells: readonly CellState[]): (number | null)[] => cells.map((cell) => cell.count);

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const say = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", () => say(true)).once("error", () => say(false));
  });
