import { sameValue, showValue } from "../checks/show-value";
import { LabError } from "../core/errors";
import type { Broker } from "./broker";
import type { ObservationData } from "./lesson-views";

/** A version of Mosquitto that is known to behave otherwise. */
export interface Deviation {
  /** Versions that it holds for: "2.0.11", or "2.0" for all of 2.0. */
  readonly versions: readonly string[];
  /** What is seen there instead. */
  readonly actual: unknown;
  /** One sentence for the reader. */
  readonly why: string;
}

export interface ObserveOptions {
  /** Whose behaviour it is: its version goes into the ledger, and decides which deviations count. */
  readonly broker?: Broker;
  readonly deviations?: readonly Deviation[];
}

/** Judges an observation; the caller shows it, and throws `differs` when it does. */
export function observation(id: string, actual: unknown, expected: unknown, options: ObserveOptions): ObservationData {
  const version = options.broker?.version ?? null;
  const holds = sameValue(actual, expected);
  const known = (options.deviations ?? []).find(
    (one) => version !== null && one.versions.some((of) => isVersion(version, of)) && sameValue(actual, one.actual),
  );
  return {
    id,
    holds,
    observed: showValue(actual),
    expected: showValue(expected),
    deviation: holds ? null : (known?.why ?? null),
    mosquitto: version,
    engine: options.broker?.engine ?? null,
  };
}

export function differs(seen: ObservationData): LabError {
  const broker = seen.mosquitto ? `mosquitto ${seen.mosquitto}` : "this broker";
  return new LabError(
    "OBSERVATION_DIFFERS",
    `${seen.id}: expected ${seen.expected}, and ${broker} showed ${seen.observed}`,
    "run the cells above again from the top; if it stays, this broker version behaves otherwise than the lesson says",
  );
}

const isVersion = (version: string, of: string): boolean => version === of || version.startsWith(`${of}.`);
