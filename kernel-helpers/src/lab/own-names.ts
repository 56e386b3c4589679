import { compileFunction } from "node:vm";
import type { CheckBody } from "./run-check";

/**
 * The same check, with the names of nobody's cells. The kernel reads a name that an earlier cell declared from that
 * cell's exports, also a `Math` or a `String` of the learner's own; a check of the course uses only the language, `t` and
 * what it is given (a lint rule), so here the language's own are what it finds.
 */
export function withOwnNames<Given>(body: CheckBody<Given>): CheckBody<Given> {
  const text = Function.prototype.toString.call(body);
  try {
    return compileFunction(`return (${text}\n);`, ["exports"])(globalThis) as CheckBody<Given>;
  } catch {
    return body; // a method, or native: as it is
  }
}
