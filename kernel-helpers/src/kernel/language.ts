import type { Content } from "./protocol";
import type { Tslab } from "./tslab";
import type { TypeScript } from "./typescript";

/** Jupyter counts a cursor in code points, TypeScript in UTF-16 units. */
const toUnits = (code: string, points: number): number => Array.from(code).slice(0, points).join("").length;
const toPoints = (code: string, units: number): number => Array.from(code.slice(0, units)).length;

const cursorOf = (code: string, request: Content): number =>
  typeof request.cursor_pos === "number" ? toUnits(code, request.cursor_pos) : code.length;

/** Answers a complete_request. */
export function complete(tslab: Tslab, request: Content): Content {
  const code = String(request.code ?? "");
  const offset = cursorOf(code, request);
  const nothing = {
    status: "ok",
    matches: [],
    cursor_start: toPoints(code, offset),
    cursor_end: toPoints(code, offset),
    metadata: {},
  };
  try {
    const { start, end, candidates } = tslab.complete(code, offset);
    return { ...nothing, matches: candidates, cursor_start: toPoints(code, start), cursor_end: toPoints(code, end) };
  } catch (error) {
    // Half-written code can make the compiler give up; the learner is typing and wants no traceback for it.
    return { ...nothing, metadata: { reason: String(error) } };
  }
}

/** Answers an inspect_request. */
export function inspectAt(tslab: Tslab, request: Content): Content {
  const code = String(request.code ?? "");
  const offset = cursorOf(code, request);
  let text: string | undefined;
  try {
    // Behind a name, as after Shift-Tab at its end, the name is meant.
    text = tslab.inspect(code, offset) ?? (offset > 0 ? tslab.inspect(code, offset - 1) : undefined);
  } catch {
    text = undefined; // as for completion
  }
  return {
    status: "ok",
    found: text !== undefined,
    data: text === undefined ? {} : { "text/plain": text },
    metadata: {},
  };
}

const UNTERMINATED_TEMPLATE = 1160;
const UNTERMINATED_COMMENT = 1010;

/** Answers an is_complete_request: a console asks whether Enter runs the text or opens a new line. */
export function isComplete(ts: TypeScript, request: Content): Content {
  const code = String(request.code ?? "");
  // Two empty lines at the end run it as it is, as in tslab.
  if (/^\s*$/.test(code) || /\n\s*\n\s*$/.test(code)) return { status: "complete" };
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS);
  const { parseDiagnostics } = file as unknown as {
    parseDiagnostics: { code: number; start: number; length: number }[];
  };
  if (parseDiagnostics.length === 0) return { status: "complete" };
  // The first error decides: what comes after it is the parser's guess.
  const { code: number, start } = parseDiagnostics[0]!;
  const unfinished =
    number === UNTERMINATED_TEMPLATE || number === UNTERMINATED_COMMENT || start >= code.trimEnd().length;
  return unfinished ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

/** The indentation of the last line, deeper by two where it opens a bracket. */
function indentAfter(code: string): string {
  const line = code.slice(code.lastIndexOf("\n") + 1);
  const indent = /^\s*/.exec(line)![0];
  return /[{([]\s*$/.test(line) ? `${indent}  ` : indent;
}
