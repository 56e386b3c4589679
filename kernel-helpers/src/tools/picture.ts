/** The README's picture: the first packets of lab 1, as a real run drew them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";
import { executeNotebook, type RunnableCell } from "../kernel/execute";
import { notebooksFolder } from "../lab/lesson-files";
import { printError, type Tool } from "./cli";
import { readLab } from "./lab-notebook";
import { exitCodeFor } from "./words";

const LAB = "01-environment";
/** The lab is run as far as this cell; by then its tap has seen a whole story. */
const LAST = "publish-receive";
const DRAW = `showSequence(tap.packets, { title: "Lab 1: the first packets, as the tap saw them" })`;

export const pictureFile = join(courseRoot, "site", "assets", "first-packets.svg");

export const main: Tool = async () => {
  try {
    const svg = await drawFirstPackets();
    const where = relative(courseRoot, pictureFile);
    if (existsSync(pictureFile) && said(readFileSync(pictureFile, "utf8")) === said(svg)) {
      console.log(`${where} shows the same packets already.`);
      return 0;
    }
    mkdirSync(dirname(pictureFile), { recursive: true });
    writeFileSync(pictureFile, svg);
    console.log(`Written: ${where}`);
    return 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/**
 * Runs the beginning of lab 1 in a kernel of its own.
 * @returns an SVG document. @throws LabError NOTEBOOK_INVALID when a cell fails or is not there.
 */
export async function drawFirstPackets(): Promise<string> {
  const { cells } = readLab(LAB);
  const end = cells.findIndex((cell) => cell.id === LAST) + 1;
  if (!end) throw invalid(`lab ${LAB} has no cell ${LAST}`);
  const draw: RunnableCell = { cell_type: "code", id: "draw", source: DRAW };
  const run = await executeNotebook(
    { cells: [...(cells.slice(0, end) as unknown as RunnableCell[]), draw] },
    { cwd: notebooksFolder(), kernelEnv: { MQTT_LAB_PROGRESS: "" } },
  );
  const failed = run.cells.find((cell) => cell.status !== "ok");
  if (failed) throw invalid(`cell ${failed.id} of lab ${LAB}: ${failed.error?.ename}: ${failed.error?.evalue}`);
  const outputs = (run.notebook.cells.at(-1)?.outputs ?? []) as { data?: Record<string, unknown> }[];
  const svg = outputs.map(({ data }) => data?.["image/svg+xml"]).find((one) => one !== undefined);
  if (svg === undefined) throw invalid(`the last cell drew nothing: ${JSON.stringify(outputs).slice(0, 200)}`);
  return `${Array.isArray(svg) ? svg.join("") : svg}\n`;
}

const invalid = (what: string) => new LabError("NOTEBOOK_INVALID", what, "npm run course -- 1");

/** What the picture says: times and packet ids differ from run to run, and with them where labels stand. */
const said = (svg: string): string =>
  svg
    .replace(/<[^>]*>/g, " ")
    .replace(/\+[\d.]+ m?s|\bid \d+/g, "")
    .replace(/\s+/g, " ");
