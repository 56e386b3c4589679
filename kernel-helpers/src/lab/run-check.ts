import { CHECK_LIMIT, judge } from "../checks/judge";
import type { Outcome } from "../checks/outcome";
import { showValue } from "../checks/show-value";
import { contain } from "./contain";
import { Probe, type ProbeSetting } from "./probe";

/** The body of a check: only `t` and what it is given by name. */
export type CheckBody<Given> = (t: Probe, given: Given) => Promise<void> | void;

export interface CheckRun<Given> extends ProbeSetting {
  readonly id: string;
  readonly points: number;
  /** Copies and handles, as `shareHere` or the judge makes them. */
  readonly given: Given;
  readonly body: CheckBody<Given>;
  readonly limit?: number;
}

/** Runs a check to its outcome and ends all that it opened. Never throws for what an answer does. */
export function runCheck<Given>(run: CheckRun<Given>): Promise<Outcome> {
  return contain(async (errors) => {
    const t = new Probe(run);
    try {
      const body = async () => {
        await run.body(t, run.given);
        // Errors of the body's own callbacks count like errors of the body: a check that broke has proven nothing.
        await new Promise((resolve) => setImmediate(resolve));
        if (errors.length) t.fail("no callback of the check fails", "no error", showValue(errors[0]));
      };
      return await judge(run.id, run.points, t, body, run.limit ?? CHECK_LIMIT);
    } finally {
      const failures = await t.close();
      for (const failure of failures) console.error("a probe of the check did not end:", failure);
    }
  });
}
