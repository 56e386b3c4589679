/** Forty submissions of lab 2: by us, with and without containers, and by nbgrader's autograder. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "../../core/paths";
import { writeNotebook } from "../../notebook/format";
import { Farm } from "../grading/farm";
import { type Isolation, prepareIsolation } from "../grading/isolation";
import type { Reported } from "../grading/result";
import { checksOf, exercisesOf, readLab, solvedLab, variantsOf } from "../lab-notebook";
import { nbgrader, nbgraderBin, scoresOf } from "../nbgrader";
import { writeNbgraderSource } from "../nbgrader-source";
import { pool } from "../pool";
import type { Row } from "./row";

const LAB = "02-messaging";
const SUBMISSIONS = 40;
/** Submissions at once: one a core of the machine that is aimed at. */
const JOBS = 2;
/** Seconds a submission, beyond the waits of the lab itself. */
const AIM = 2;

interface Run {
  readonly seconds: number;
  /** Of processors, all of them together; null where this system doesn't tell. */
  readonly cpu: number | null;
  readonly graded: readonly Reported[];
}

export async function benchGrading(): Promise<Row[]> {
  const folder = mkdtempSync(join(cachePath(), "bench-grading-"));
  try {
    const files = submissions(folder);
    const here = await gradeAll(files, { kind: "process" });
    const rows = [...ours("a process each", here, true)];
    tell(rows);
    const isolation = await prepareIsolation("auto");
    if (isolation.kind === "docker") {
      const sealed = ours("a container each", await gradeAll(files, isolation), false);
      rows.push(...sealed);
      tell(sealed);
    }
    return [...rows, ...(await theirs(folder, files, here.graded))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** At once: all of it takes ten minutes. */
function tell(rows: readonly Row[]): void {
  for (const { name, value, unit } of rows) console.error(`${name}: ${value} ${unit}`);
}

/** Right answers, and in every other submission one exercise's wrong one, each in its turn. */
function submissions(folder: string): { learner: string; file: string }[] {
  const wrong = exercisesOf(readLab(LAB)).flatMap(({ id }) =>
    variantsOf(LAB, id)
      .filter((one) => one.kind === "wrong" || one.kind === "other")
      .map((one) => ({ [id]: one.source })),
  );
  return Array.from({ length: SUBMISSIONS }, (_, n) => {
    const learner = `learner-${String(n + 1).padStart(2, "0")}`;
    const into = join(folder, "submitted", learner, LAB);
    mkdirSync(into, { recursive: true });
    const file = join(into, `${LAB}.ipynb`);
    writeFileSync(file, writeNotebook(solvedLab(LAB, n % 2 ? wrong[Math.floor(n / 2) % wrong.length] : {})));
    return { learner, file };
  });
}

async function gradeAll(files: readonly { learner: string; file: string }[], isolation: Isolation): Promise<Run> {
  const texts = { [LAB]: checksOf(LAB) };
  const [began, cpu] = [performance.now(), childrensCpu()];
  const farm = new Farm();
  const done = await pool(files, JOBS, (one) =>
    farm.grade({ ...one, seed: "bench", engine: "embedded", isolation, texts }),
  );
  // Of a process that still runs nobody can tell what its own have had.
  await farm.end();
  const seconds = (performance.now() - began) / 1000;
  const after = childrensCpu();
  return {
    seconds,
    cpu: cpu === null || after === null ? null : after - cpu,
    graded: done,
  };
}

function ours(how: string, run: Run, aimed: boolean): Row[] {
  const each = (value: number) => Math.round((value / SUBMISSIONS) * 100) / 100;
  const waits = waitsOf(run);
  return [
    {
      name: `grading lab 2, ${how}: a submission, amortised over ${JOBS} at once`,
      value: each(run.seconds),
      unit: "s",
    },
    ...(run.cpu === null
      ? []
      : [
          {
            name: `grading lab 2, ${how}: beyond its waits (processors' time over ${JOBS})`,
            value: each(run.cpu / JOBS),
            unit: "s",
            ...(aimed ? { aim: AIM } : {}),
          },
        ]),
    { name: `grading lab 2, ${how}: of it in checks`, value: each(waits / JOBS), unit: "s" },
  ];
}

/** What the checks took, which is mostly waiting for packets. */
const waitsOf = (run: Run): number =>
  run.graded.reduce((sum, one) => sum + Object.values(one.times).reduce((all, time) => all + time, 0), 0);

async function theirs(
  folder: string,
  files: readonly { learner: string }[],
  graded: readonly Reported[],
): Promise<Row[]> {
  const found = await nbgraderBin();
  if ("lacking" in found) {
    console.error(`nbgrader is not measured: ${found.lacking}`);
    return [];
  }
  const course = join(folder, "nbgrader");
  writeNbgraderSource(course);
  appendFileSync(join(course, "nbgrader_config.py"), `\nc.CourseDirectory.submitted_directory = "../submitted"\n`);
  const call = (...words: string[]) => nbgrader(found.bin, course, words, { MQTT_LAB_ENGINE: "embedded" });
  await call("generate_assignment", LAB, "--create");
  const began = performance.now();
  await call("autograde", LAB, "--create");
  const seconds = (performance.now() - began) / 1000;
  await call("export");
  const scores = scoresOf(readFileSync(join(course, "grades.csv"), "utf8"));
  const same = graded.filter((one) => scores.get(one.learner) === one.score).length;
  return [
    {
      name: "grading lab 2, nbgrader's autograde: a submission",
      value: Math.round((seconds / files.length) * 100) / 100,
      unit: "s",
    },
    { name: `of ${files.length} submissions nbgrader gives other marks`, value: files.length - same, unit: "" },
  ];
}

/** Seconds of processors that ended children of this process had, with theirs; Linux only. */
function childrensCpu(): number | null {
  if (process.platform !== "linux") return null;
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  // Hundredths: user and system time of children that were waited for.
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
