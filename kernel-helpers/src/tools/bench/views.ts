import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type ChartData, chartView, drawChart } from "../../views/chart";
import { packetsView } from "../../views/packets";
import type { PacketRecord } from "../../views/record";
import { sequenceView } from "../../views/sequence";
import { topicsOf, topicsView } from "../../views/topics";
import { deliveries, many, plantPackets, prices } from "../gallery-samples";
import type { Row } from "./row";

const RUNS = 15;
/** Of a sequence of 40 packets, in milliseconds. */
const SEQUENCE_AIM = 30;
/** Of what any one view adds to the start of a kernel, in milliseconds. */
const IMPORT_AIM = 50;

/** How long pictures take to draw, once their code is warm as in the second cell of a lesson. */
export async function benchDrawing(): Promise<Row[]> {
  const forty = plantPackets.slice(0, 40);
  const heat = { x: "subscribed at", y: "published at", value: ["packets", "bytes", "latency (ms)"] };
  const chart: ChartData = { title: "Prices", description: "", rows: prices, heat };
  const started = performance.now();
  await chartView(chart);
  const first = performance.now() - started;
  return [
    row(
      "a sequence of 40 packets",
      least(() => sequenceView(explained(forty))),
      SEQUENCE_AIM,
    ),
    row("a sequence of 40 packets, the first of its process", firstSequence(), "with its code still to be compiled"),
    row(
      "a sequence of 5,000 packets",
      least(() => sequenceView(many(5_000))),
    ),
    row(
      "packets of one story, unfolded to their bytes",
      least(() => packetsView(explained(deliveries))),
    ),
    row(
      "a tree of topics from 209 packets",
      least(() => topicsView(topicsOf(plantPackets))),
    ),
    row("the first chart, with Vega to load", first),
    row(
      "three heat maps, the next time",
      least(() => drawChart(chart)),
    ),
  ];
}

/** As showSequence does it: a record's sentences are computed when they are read. */
const explained = (records: readonly PacketRecord[]): PacketRecord[] => records.map((record) => ({ ...record }));

/** What each view's module adds to a process that has the rest of Node, and Vega beside them. */
export async function benchImports(): Promise<Row[]> {
  const views = ["sequence", "packets", "bytes", "topics", "timeline", "chart", "table", "topology", "log", "card"];
  return [
    ...views.map((name) => row(`loading views/${name}`, load(`views/${name}.js`), IMPORT_AIM)),
    row("loading all of show.ts's views together", load(...views.map((name) => `views/${name}.js`))),
  ];
}

function firstSequence(): number {
  return timed(
    `const { plantPackets } = require("./tools/gallery-samples.js"); const { sequenceView } = require("./views/sequence.js");
     const forty = plantPackets.slice(0, 40).map((record) => ({ ...record }));`,
    "sequenceView(forty);",
  );
}

const load = (...files: string[]): number => timed("", files.map((file) => `require("./${file}");`).join(""));

/** The least of five processes. */
function timed(before: string, code: string): number {
  const script = `${before}; const started = performance.now(); ${code}; console.log(performance.now() - started);`;
  const runs = Array.from({ length: 5 }, () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: dist, encoding: "utf8" });
    if (!stdout.trim()) throw new Error(`the bench's process failed: ${stderr}`);
    return Number(stdout);
  });
  return Math.min(...runs);
}

const dist = join(__dirname, "..", "..");

const row = (name: string, value: number, aim?: Row["aim"]): Row => ({
  name,
  value: Math.round(value * 10) / 10,
  unit: "ms",
  aim,
});

/** The least of some runs: what else the machine does only adds. */
function least(draw: () => unknown): number {
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    draw();
    return performance.now() - started;
  });
  return Math.min(...times);
}
