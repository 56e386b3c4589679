/** `npm run doctor`: what this machine can run; each lack with what it means and the one command that mends it. */
import type { EngineKind } from "../brokers/engine";
import { LabError } from "../core/errors";
import { columns, type Tool } from "./cli";
import type { Check, Status } from "./doctor/check";
import { docker, embedded, mosquitto } from "./doctor/engines";
import { disk, jupyter, kernel, loopback, node, proxies, python } from "./doctor/machine";

/** The machine's answer. `engine` is null when no lab can start a broker. */
export interface Diagnosis {
  readonly checks: readonly Check[];
  readonly engine: {
    readonly kind: EngineKind;
    readonly summary: string;
    readonly mosquitto: readonly string[];
  } | null;
}

export const main: Tool = async ({ options }) => {
  const diagnosis = await diagnose();
  if (options.json) console.log(JSON.stringify(diagnosis));
  else console.log(report(diagnosis));
  return canRun(diagnosis) ? 0 : 3;
};

const canRun = ({ checks, engine }: Diagnosis): boolean =>
  engine !== null && checks.every(({ status }) => status !== "fail");

export async function diagnose(): Promise<Diagnosis> {
  const { selectEngine } = await import("../brokers/select");
  const chosen = selectEngine({}).then(
    ({ probe }) => ({ kind: probe.kind, summary: probe.summary, mosquitto: [...probe.mosquitto] }),
    (error: unknown) => {
      if (error instanceof LabError) return error;
      throw error;
    },
  );
  const groups = await Promise.all([
    node(),
    python(),
    jupyter(),
    kernel(),
    docker(),
    embedded(),
    mosquitto(),
    loopback(),
    disk(),
    proxies(),
  ]);
  const engine = await chosen;
  const checks = groups.flat();
  if (!(engine instanceof LabError)) return { checks, engine };
  const none: Check = {
    id: "engine",
    status: "fail",
    summary: engine.message,
    consequence: "no lab can start a broker",
    fix: engine.hint,
  };
  return { checks: [...checks, none], engine: null };
}

const signs: Record<Status, string> = { ok: "ok", info: "--", warn: "!!", fail: "XX" };

function report(diagnosis: Diagnosis): string {
  const { checks, engine } = diagnosis;
  const table = columns(checks.map(({ status, id, summary }) => [signs[status], id, summary]));
  const lacks = checks
    .filter(({ status }) => status !== "ok")
    .map(({ status, id, consequence, fix }) =>
      [`${signs[status]} ${id}: ${consequence}`, ...(fix ? [`   Try: ${fix}`] : [])].join("\n"),
    );
  const verdict = canRun(diagnosis)
    ? `Labs can run here, on ${engine!.kind}: ${engine!.summary}.`
    : "Labs can't run here until what is marked XX is mended.";
  return [table, ...(lacks.length ? ["", ...lacks] : []), "", verdict].join("\n");
}
