import { inspect, types } from "node:util";
import type { Diagnostic } from "tslab/dist/converter";
import type { Position, Script } from "./source-maps";

/** The content of an `error` message. */
export interface ErrorContent extends Record<string, unknown> {
  readonly ename: string;
  readonly evalue: string;
  /** Lines; the last one is `ename: evalue`. */
  readonly traceback: string[];
}

export type Scripts = ReadonlyMap<string, Script>;

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;

/** What the stack traces of cells never show: the kernel itself, tslab, Node's own insides. */
const HIDDEN = /kernel-helpers[\\/]dist[\\/]kernel[\\/]|node_modules[\\/](tslab|@tslab)[\\/]|\(?node:|<anonymous>\)?$/;

/** An error of ours: a code and what to try. */
interface Advice {
  readonly code: string;
  readonly hint: string;
  readonly message: string;
}

const isError = (value: unknown): value is Error => types.isNativeError(value) || value instanceof Error;

const isAdvice = (value: Error): value is Error & Advice =>
  typeof (value as Partial<Advice>).code === "string" && typeof (value as Partial<Advice>).hint === "string";

/**
 * What a cell threw, as Jupyter shows it: the line of the cell, with a mark, then the calls that led there, then name
 * and message. An error with a code and a hint shows these and no calls.
 *
 * @param where what to call the cell if the error's stack doesn't say: "cell [3]".
 */
export function describeThrown(error: unknown, scripts: Scripts, where: string): ErrorContent {
  if (!isError(error)) {
    const evalue = safely(() => inspect(error));
    return { ename: "Thrown", evalue, traceback: [`${where}:`, red(`Thrown: ${evalue}`)] };
  }
  const frames = framesOf(error);
  const place = firstPlace(frames, scripts);
  const head = place ? excerpt(place.script, place.at) : [`${where}:`];
  if (isAdvice(error)) {
    const evalue = `${error.message}\nTry: ${error.hint}`;
    return { ename: error.code, evalue, traceback: [...head, `${red(error.code)}: ${evalue}`] };
  }
  const ename = safely(() => String(error.name)) || "Error";
  const evalue = safely(() => String(error.message));
  const calls = frames.filter((frame) => !HIDDEN.test(frame));
  // One call, the line itself, is shown above already.
  const shown = place && calls.length === 1 ? [] : calls;
  return { ename, evalue, traceback: [...head, ...shown, ...causes(error), red(`${ename}: ${evalue}`)] };
}

/** Type errors and syntax errors of a cell. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[], code: string, where: string): ErrorContent {
  const cell: Script = { label: where, source: code, original: (at) => at };
  const traceback: string[] = [];
  let previous: string | undefined;
  for (const each of diagnostics) {
    const at = { line: each.start.line + 1, column: each.start.character + 1 };
    const place = `${each.fileName ?? ""}${at.line}:${at.column}`;
    // tslab flattens a message with reasons into several with the same place.
    if (place === previous) traceback.push(`    ${each.messageText}`);
    else {
      const length = each.end.line === each.start.line ? each.end.character - each.start.character : 1;
      if (each.fileName) traceback.push(`${each.fileName}, line ${at.line}:`);
      else traceback.push(...excerpt(cell, at, length));
      traceback.push(`  TS${each.code}: ${each.messageText}`);
    }
    previous = place;
  }
  const first = diagnostics[0]!;
  const ename = first.code >= 1000 && first.code < 2000 ? "SyntaxError" : "TypeScriptError";
  const evalue = `${first.start.line + 1}:${first.start.character + 1} - ${first.messageText} (TS${first.code})`;
  return { ename, evalue, traceback: [...traceback, ...unknownNames(diagnostics), red(`${ename}: ${evalue}`)] };
}

/** TypeScript's "cannot find name", also of a shorthand property: in a notebook most often a cell that hasn't run yet. */
const UNKNOWN_NAME = new Set([2304, 2552, 18004]);

function unknownNames(diagnostics: readonly Diagnostic[]): string[] {
  const one = diagnostics.find((each) => UNKNOWN_NAME.has(each.code));
  const [, name] = /'([^']+)'/.exec(one?.messageText ?? "") ?? [];
  return name ? [`  Try: if a cell above defines ${name}, run that one first; a new kernel has run none of them`] : [];
}

/** The lines around a place, the place marked: enough to find it without counting. */
export function excerpt(script: Script, at: Position, length = 1): string[] {
  const lines = script.source.split(/\r?\n/);
  const from = Math.max(1, at.line - 2);
  const to = Math.min(lines.length, at.line + 1);
  const width = String(to).length;
  const shown = [`${script.label}, line ${at.line}:`];
  for (let number = from; number <= to; number++) {
    const here = number === at.line;
    const text = clip(lines[number - 1] ?? "", here ? at.column : 1);
    shown.push(`${here ? ">" : " "} ${String(number).padStart(width)} | ${text.text}`.trimEnd());
    if (here) {
      const before = (lines[number - 1] ?? "").slice(text.from, at.column - 1).replace(/[^\t]/g, " ");
      shown.push(`  ${" ".repeat(width)} | ${before}${"^".repeat(Math.max(1, Math.min(length, 80)))}`);
    }
  }
  return shown;
}

/** At most 160 characters of a line, around `column`: a cell may hold a line of a megabyte. */
function clip(line: string, column: number): { text: string; from: number } {
  const from = column > 120 ? column - 80 : 0;
  return { text: line.slice(from, from + 160), from };
}

/** The error's calls, as the stack tells them, without name and message. */
function framesOf(error: Error): string[] {
  const stack = safely(() => String(error.stack ?? ""));
  return stack.split("\n").filter((line) => /^\s+at /.test(line));
}

function firstPlace(frames: readonly string[], scripts: Scripts): { script: Script; at: Position } | undefined {
  const byLabel = new Map([...scripts.values()].map((script) => [script.label, script]));
  for (const frame of frames) {
    const match = /(?:at |\()(?:async )?([^()]*):(\d+):(\d+)\)?$/.exec(frame);
    const script = match && byLabel.get(match[1]!.trim());
    if (script) return { script, at: { line: Number(match[2]), column: Number(match[3]) } };
  }
  return undefined;
}

/** The chain of causes and the errors of an AggregateError, one line each. */
function causes(error: Error): string[] {
  const lines: string[] = [];
  const tell = (title: string, value: unknown): void => {
    lines.push(`${title}: ${isError(value) ? safely(() => String(value)) : safely(() => inspect(value))}`);
  };
  for (const each of (error as AggregateError).errors ?? []) tell("  one of", each);
  const seen = new Set<unknown>([error]);
  for (let cause = error.cause; cause !== undefined && !seen.has(cause); cause = (cause as Error).cause) {
    seen.add(cause);
    tell("  caused by", cause);
    if (!isError(cause)) break;
  }
  return lines;
}

/** The cell's values may have getters, names or inspectors that throw; that must not take the message away. */
function safely(tell: () => string): string {
  try {
    return tell();
  } catch (error) {
    return `(what was thrown can't be shown: ${isError(error) ? "its own code failed" : "it threw again"})`;
  }
}

/**
 * Makes every stack trace of this process speak of the cells' own TypeScript: also the ones that cells print.
 * Frames of the kernel are left out, and so are the compiler's additions.
 */
export function installStackTraces(scripts: Scripts): void {
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, sites) => {
    const lines = sites.map((site) => frame(site, scripts)).filter((line) => line !== undefined);
    return [header(error), ...lines.slice(0, 20).map((line) => `    at ${line}`)].join("\n");
  };
}

function header(error: Error): string {
  return safely(() => Error.prototype.toString.call(error));
}

function frame(site: NodeJS.CallSite, scripts: Scripts): string | undefined {
  // First, for getFileName gives vm's own name to what has a sourceURL.
  const file = site.getScriptNameOrSourceURL() ?? site.getFileName();
  const text = String(site);
  const script = typeof file === "string" ? scripts.get(file) : undefined;
  if (!script)
    return /kernel-helpers[\\/]dist[\\/]kernel[\\/]|[\\/]tslab[\\/]dist[\\/]|node:vm|node:internal/.test(text)
      ? undefined
      : text;
  const at = script.original({ line: site.getLineNumber() ?? 1, column: site.getColumnNumber() ?? 1 });
  if (!at) return undefined;
  const place = `${script.label}:${at.line}:${at.column}`;
  const name = /^(.*) \([^()]*\)$/.exec(text)?.[1];
  return name ? `${name} (${place})` : `${text.startsWith("async ") ? "async " : ""}${place}`;
}
