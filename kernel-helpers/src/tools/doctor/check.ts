/**
 * ok: as the course wants it. info: not there, and nothing misses it. warn: something of the course can't be shown.
 * fail: no lab runs until it is mended.
 */
export type Status = "ok" | "info" | "warn" | "fail";

/** One thing that the doctor looked at. */
export interface Check {
  readonly id: string;
  readonly status: Status;
  readonly summary: string;
  /** What can't be done because of it; "" when all is well. */
  readonly consequence: string;
  /** The one command that mends it; "" when there is nothing to mend. */
  readonly fix: string;
}

export const ok = (id: string, summary: string): Check => ({ id, status: "ok", summary, consequence: "", fix: "" });

export const lack = (
  id: string,
  status: Exclude<Status, "ok">,
  summary: string,
  consequence: string,
  fix: string,
): Check => ({
  id,
  status,
  summary,
  consequence,
  fix,
});
