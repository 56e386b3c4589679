import { limits } from "./limits";

/** A notebook as the renderer reads it: whatever the file held, every field here has its type. */
export interface Notebook {
  readonly cells: readonly Cell[];
  /** The lab's slug, by the notebook's own metadata. */
  readonly lab: string | undefined;
  readonly run: Run | undefined;
  readonly language: string;
}

/** What the notebook was executed on. */
export interface Run {
  /** False where the run said that something in it failed. */
  readonly ok: boolean;
  readonly engine: string | undefined;
  readonly mosquitto: string | undefined;
  readonly date: string | undefined;
}

export interface Cell {
  readonly kind: "markdown" | "code" | "raw";
  /** Unique in its notebook, fit for an address. */
  readonly id: string;
  readonly source: string;
  readonly tags: readonly string[];
  readonly proves: readonly string[];
  readonly terms: readonly string[];
  readonly graded: Graded | undefined;
  /** File name to MIME type to base64. */
  readonly attachments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly count: number | undefined;
  readonly outputs: readonly Output[];
}

export interface Graded {
  readonly solution: boolean;
  readonly grade: boolean;
  readonly points: number | undefined;
}

export type Output =
  | { readonly type: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "data"; readonly bundle: Readonly<Record<string, unknown>> }
  | { readonly type: "error"; readonly name: string; readonly message: string; readonly traceback: string };

/** Why a file is no notebook that can be shown. */
export class NotebookError extends Error {
  override readonly name = "NotebookError";
}

/**
 * Reads a notebook of nbformat 4.0 to 4.5 and later minor versions. What is missing or of a wrong type inside is left
 * out and told to `warn`.
 * @throws NotebookError when it is no such notebook at all.
 */
export function readNotebook(text: string, warn: (what: string) => void): Notebook {
  const file = parse(text);
  const metadata = record(file.metadata);
  const mqtt = record(metadata.mqtt);
  const ids = new Set<string>();
  const cells = (file.cells as unknown[]).flatMap((cell, i) => readCell(cell, i, ids, warn) ?? []);
  if (!cells.length) warn("it has no cells");
  return {
    cells,
    lab: string(mqtt.lab),
    run: readRun(mqtt.run),
    language:
      string(record(metadata.language_info).name) ?? string(record(metadata.kernelspec).language) ?? "typescript",
  };
}

function parse(text: string): Record<string, unknown> {
  let file: unknown;
  try {
    file = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new NotebookError(`it is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!isRecord(file)) throw new NotebookError("it is JSON, and no notebook: no object at its top");
  if (file.nbformat !== 4) {
    const found = typeof file.nbformat === "number" ? `nbformat ${file.nbformat}` : "no nbformat";
    throw new NotebookError(
      `it has ${found}; nbformat 4 is what can be read (jupyter nbconvert --to notebook mends it)`,
    );
  }
  if (!Array.isArray(file.cells)) throw new NotebookError("it has no list of cells");
  return file;
}

function readCell(cell: unknown, i: number, ids: Set<string>, warn: (what: string) => void): Cell | undefined {
  const where = `cell ${i + 1}`;
  if (!isRecord(cell)) {
    warn(`${where} is no object and is left out`);
    return undefined;
  }
  const kind = cell.cell_type;
  if (kind !== "markdown" && kind !== "code" && kind !== "raw") {
    warn(`${where} is of an unknown kind and is left out`);
    return undefined;
  }
  const source = multiline(cell.source);
  if (source === undefined) warn(`${where} has no source text`);
  const metadata = record(cell.metadata);
  const mqtt = record(metadata.mqtt);
  const id = uniqueId(string(cell.id) ?? `${i + 1}`, ids, () => warn(`${where}: its id was used before`));
  return {
    kind,
    id,
    source: (source ?? "").replace(/\r\n?/g, "\n"),
    tags: strings(metadata.tags),
    proves: strings(mqtt.proves),
    terms: strings(mqtt.terms),
    graded: readGraded(metadata.nbgrader),
    attachments: readAttachments(cell.attachments),
    count: typeof cell.execution_count === "number" ? cell.execution_count : undefined,
    outputs: kind === "code" ? readOutputs(cell.outputs, where, warn) : [],
  };
}

function uniqueId(wanted: string, taken: Set<string>, twice: () => void): string {
  const plain =
    wanted
      .replace(/[^A-Za-z0-9_-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 64) || "cell";
  let id = plain;
  for (let n = 2; taken.has(id); n++) id = `${plain}-${n}`;
  if (id !== plain) twice();
  taken.add(id);
  return id;
}

function readGraded(nbgrader: unknown): Graded | undefined {
  if (!isRecord(nbgrader)) return undefined;
  const { solution, grade, points } = nbgrader;
  return {
    solution: solution === true,
    grade: grade === true,
    points: typeof points === "number" && Number.isFinite(points) ? points : undefined,
  };
}

function readAttachments(attachments: unknown): Cell["attachments"] {
  return Object.fromEntries(
    Object.entries(record(attachments)).map(([name, bundle]) => [
      name,
      Object.fromEntries(
        Object.entries(record(bundle)).flatMap(([mime, data]) => {
          const text = multiline(data);
          return text === undefined ? [] : [[mime, text]];
        }),
      ),
    ]),
  );
}

function readOutputs(outputs: unknown, where: string, warn: (what: string) => void): Output[] {
  if (outputs === undefined) return [];
  if (!Array.isArray(outputs)) {
    warn(`${where}: its outputs are no list`);
    return [];
  }
  if (outputs.length > limits.outputs) {
    warn(`${where} has ${outputs.length} outputs; the first ${limits.outputs} are shown`);
  }
  return outputs.slice(0, limits.outputs).flatMap((output, i) => {
    const read = readOutput(output);
    if (!read) warn(`${where}: output ${i + 1} is malformed and is left out`);
    return read ?? [];
  });
}

function readOutput(output: unknown): Output | undefined {
  if (!isRecord(output)) return undefined;
  switch (output.output_type) {
    case "stream": {
      const text = multiline(output.text);
      return text === undefined
        ? undefined
        : { type: "stream", name: output.name === "stderr" ? "stderr" : "stdout", text };
    }
    case "display_data":
    case "execute_result":
      return isRecord(output.data) ? { type: "data", bundle: output.data } : undefined;
    case "error":
      return {
        type: "error",
        name: string(output.ename) ?? "Error",
        message: string(output.evalue) ?? "",
        traceback: strings(output.traceback).join("\n"),
      };
    default:
      return undefined;
  }
}

function readRun(run: unknown): Run | undefined {
  if (!isRecord(run)) return undefined;
  return { ok: run.ok !== false, engine: string(run.engine), mosquitto: string(run.mosquitto), date: string(run.date) };
}

/** nbformat writes text as one string or as a list of lines. */
export function multiline(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.every((line) => typeof line === "string") ? value.join("") : undefined;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
const string = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
