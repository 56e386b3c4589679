import type { TraceMap } from "@jridgewell/trace-mapping";

/** A place in a text that a person reads: both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Source maps as JSON text: the first leads back from what runs, each next one from where the one before led. */
export type MapChain = readonly string[];

/** A script that the kernel runs: its text as written, and the way back from what V8 reports. */
export interface Script {
  /** What a person calls it: "cell [3]", "helper.ts". */
  readonly label: string;
  readonly source: string;
  /** Where in `source` the emitted position came from; undefined for code that the compiler added. */
  original(emitted: Position): Position | undefined;
}

/**
 * @param shift how far the maps' positions are from those that are seen: characters before the emitted text on its
 *   first line, and lines before the source's text.
 */
export function script(
  label: string,
  source: string,
  maps: MapChain,
  shift: { emittedColumns: number; sourceLines: number },
): Script {
  let traces: TraceMap[] | undefined;
  return {
    label,
    source,
    original({ line, column }) {
      if (maps.length === 0) return undefined;
      // Loaded and decoded at the first error: most cells have none.
      const tracing = require("@jridgewell/trace-mapping") as typeof import("@jridgewell/trace-mapping");
      traces ??= maps.map((map) => new tracing.TraceMap(map));
      let at = { line, column: Math.max(0, column - 1 - (line === 1 ? shift.emittedColumns : 0)) };
      for (const trace of traces) {
        const found = tracing.originalPositionFor(trace, at);
        if (found.line === null) return undefined;
        at = { line: found.line, column: found.column };
      }
      return at.line > shift.sourceLines ? { line: at.line - shift.sourceLines, column: at.column + 1 } : undefined;
    },
  };
}
