/** Chooses the engine of a lab. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { dockerIsNamed } from "./docker/address";
import type { Engine, EngineKind, EngineProbe } from "./engine";
import type { Need } from "./plan";

export interface Selection {
  readonly engine: Engine;
  readonly probe: EngineProbe;
  /** What the learner should know of the choice, a line each. */
  readonly notices: string[];
}

const KINDS: readonly EngineKind[] = ["docker", "embedded", "local"];

/**
 * The engine that was asked for (by `wanted`, else by MQTT_LAB_ENGINE), or with "auto" the first of Docker, embedded and
 * local that answers and meets the needs.
 *
 * @throws LabError NO_ENGINE; for an engine that was named, the reason why it cannot run; ENGINE_UNREACHABLE when
 * DOCKER_HOST or DOCKER_CONTEXT names an engine that doesn't answer: never another one in its place.
 */
export async function selectEngine(
  options: { wanted?: EngineKind | "auto"; needs?: ReadonlySet<Need> } = {},
): Promise<Selection> {
  const wanted = checkedKind(options.wanted ?? process.env.MQTT_LAB_ENGINE ?? "auto");
  if (wanted !== "auto") return named(wanted);
  const needs = options.needs ?? new Set<Need>();
  const notices: string[] = [];
  const passed: string[] = [];
  for (const kind of KINDS) {
    const engine = await engineOf(kind);
    const probe = engine ? await engine.probe() : absent(kind);
    if (engine && probe.available) {
      const lacks = [...needs].filter((need) => !probe.can.has(need));
      if (!lacks.length) return { engine, probe, notices };
      passed.push(`${kind}: cannot do what this lab needs (${lacks.join(", ")})`);
      continue;
    }
    const { reason } = probe;
    if (kind === "docker" && dockerIsNamed() && reason) throw reason;
    if (reason?.code === "ENGINE_FORBIDDEN") notices.push(`${reason.message}. Try: ${reason.hint}`);
    passed.push(`${kind}: ${probe.summary}`);
  }
  throw new LabError(
    "NO_ENGINE",
    `nothing on this machine can run a broker.\n${passed.join("\n")}`,
    "start Docker, or `npm run embedded` once, or install Mosquitto (Debian: sudo apt install mosquitto mosquitto-clients; macOS: brew install mosquitto); `npm run doctor` says more",
  );
}

async function named(kind: EngineKind): Promise<Selection> {
  const engine = await engineOf(kind);
  const probe = engine ? await engine.probe() : absent(kind);
  if (engine && probe.available) return { engine, probe, notices: [] };
  throw probe.reason ?? new LabError("NO_ENGINE", probe.summary, "npm run doctor");
}

function checkedKind(word: string): EngineKind | "auto" {
  const kind = (["auto", ...KINDS] as const).find((one) => one === word);
  if (kind) return kind;
  throw new LabError("BAD_ARGUMENT", `"${word}" is no engine`, `write one of: auto, ${KINDS.join(", ")}`);
}

/** What every engine says of itself. */
export async function engines(): Promise<EngineProbe[]> {
  return Promise.all(
    KINDS.map(async (kind) => {
      const engine = await engineOf(kind);
      return engine ? engine.probe() : absent(kind);
    }),
  );
}

/** An engine's code is loaded when it is its turn; null where it isn't part of this installation. */
async function engineOf(kind: EngineKind): Promise<Engine | null> {
  if (kind === "docker") return (await import("./docker")).dockerEngine();
  if (kind === "local") return (await import("./local")).localEngine();
  if (!existsSync(join(__dirname, "embedded.js")) && !existsSync(join(__dirname, "embedded", "index.js"))) return null;
  // Its name is not written as a literal: the compiler must not ask for it either.
  const module = "./embedded";
  return ((await import(module)) as { embeddedEngine(): Engine }).embeddedEngine();
}

function absent(kind: EngineKind): EngineProbe {
  const reason = new LabError("NO_ENGINE", `the ${kind} engine is not installed`, "npm run doctor");
  return { kind, available: false, summary: reason.message, mosquitto: [], can: new Set(), reason };
}
