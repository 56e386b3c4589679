/** Says why a broker did not come up, in terms of the learner's own text. Pure. */
import { diskFullError } from "../core/disk-full";
import { LabError } from "../core/errors";
import type { LogBook } from "../core/log-book";
import type { Exit } from "./engine";
import { confLines } from "./mosquitto-conf";
import { type BrokerPlan, CONF_PATH } from "./plan";

const stamp = /^\d+: /;

/** The error for a broker whose program ended before it was ready. */
export function exitedError(plan: BrokerPlan, exit: Exit, log: LogBook, after = 0): LabError {
  const lines = log.lines.slice(after).map((line) => line.text.replace(stamp, ""));
  return (
    configError(plan, lines) ??
    portError(plan, lines) ??
    fullDisk(plan, lines) ??
    databaseError(plan, exit, lines) ??
    certificateError(plan, exit, lines) ??
    plainExit(plan, exit, lines)
  );
}

/** Mosquitto names the line that it refuses; its reason is in the lines before. */
function configError(plan: BrokerPlan, lines: string[]): LabError | null {
  const index = lines.findIndex((line) => /Error found at .+:\d+\.?$/.test(line));
  const place = /Error found at (.+):(\d+)/.exec(lines[index] ?? "");
  if (!place) return null;
  const [, path, number] = place as unknown as [string, string, string];
  const reasons = lines.slice(0, index).filter((line) => /error|invalid|unknown|unable|must|duplicate/i.test(line));
  const text = textOf(plan, path)?.split("\n")[Number(number) - 1]?.trim();
  const name = path === CONF_PATH ? "the configuration" : path;
  return new LabError(
    "BAD_CONFIG",
    `Mosquitto refuses line ${number} of ${name}${text ? `: ${text}` : ""}\n${reasons.join("\n") || lines[index]}`,
    "mend that line and run the cell again; every option is in mosquitto.conf(5)",
  );
}

function textOf(plan: BrokerPlan, path: string): string | null {
  if (path === CONF_PATH) return plan.conf;
  const file = plan.files.find((one) => one.path === path);
  return file ? new TextDecoder().decode(file.content) : null;
}

/** Two listeners of one configuration on one port: nobody else can take a port inside a container. */
function portError(plan: BrokerPlan, lines: string[]): LabError | null {
  if (!lines.some((line) => /address (already )?in use/i.test(line))) return null;
  const opened = lines.map((line) => / on port (\d+)\.?$/.exec(line)?.[1]).filter(Boolean);
  const port = opened.at(-1);
  return new LabError(
    "PORT_TAKEN",
    `${plan.name} cannot open port ${port ?? "of a listener"}: it is in use\n${lines.slice(-5).join("\n")}`,
    "give each listener of the configuration a port of its own",
  );
}

/** What Mosquitto itself could not write. */
function fullDisk(plan: BrokerPlan, lines: string[]): LabError | null {
  if (!lines.some((line) => /no space left on device|disk quota exceeded/i.test(line))) return null;
  return diskFullError(`${plan.name} could not write its files`, lines.slice(-5).join("\n"));
}

/** A database that is cut off, is none, or was written by a later release. */
function databaseError(plan: BrokerPlan, exit: Exit, lines: string[]): LabError | null {
  if (!lines.some((line) => /Unable to restore persistent database|Couldn't open database/.test(line))) return null;
  const path = databasePath(plan);
  const given = plan.files.some((file) => file.path === path);
  const gone = lines.some((line) => line.startsWith("Saving in-memory database to "));
  return new LabError(
    "BROKER_EXITED",
    `${plan.name} ended ${howItEnded(exit)} before it was ready: it cannot read its persistence file ${path}. Its last lines:\n${lines.slice(-10).join("\n")}`,
    databaseHint(plan, given, gone),
  );
}

/** Mosquitto 2.1 saves on its way out, also what it never managed to read. */
function databaseHint(plan: BrokerPlan, given: boolean, gone: boolean): string {
  if (given) return "leave that file out of `files`, or give one that this release of Mosquitto wrote whole";
  const anew = plan.volume
    ? `await lab.removeVolume(${JSON.stringify(plan.volume)}), then run the cell again: the broker starts empty`
    : "run the cell that makes the broker again: it starts empty";
  return gone
    ? `on its way out Mosquitto has already written an empty database over it: put a copy back if you have one; else ${anew}`
    : `the file is cut off, is no database, or is of a later release. It is untouched: keep a copy if you need it. Then ${anew}`;
}

/** What OpenSSL says of files that it can't use, and what to do about it. */
const FILES_OF_TLS: readonly (readonly [said: RegExp, hint: string])[] = [
  [/values mismatch/, "the key belongs to another certificate: take both from one and the same `ca.server(…)`"],
  [/No such file/i, "give the file in the broker's `files`, under the name that the configuration uses"],
  [/no start line/, "that file holds no PEM text: give what the authority made, with its BEGIN and END lines"],
  [
    /getting password|get passphrase|bad password read/,
    "the key is locked with a password, and a broker without a terminal has nobody to ask: give it a key without one",
  ],
  [/permission denied/i, "Mosquitto has given up root's rights by then: the file has to be its own user's"],
  [
    /too (weak|small)/,
    "OpenSSL takes SHA-256 and RSA keys of 2,048 bits, or better: `lab.authority()` makes such ones",
  ],
];

/** A certificate, key or revocation list that OpenSSL refuses; its own lines would hide which file that was. */
function certificateError(plan: BrokerPlan, exit: Exit, lines: string[]): LabError | null {
  const index = lines.findIndex((line) =>
    /^Error: (Unable to load (CA|server|certificate)|Server certificate\/key)/.test(line),
  );
  if (index < 0) return null;
  const said = lines.slice(index, index + 12).filter((line) => /^(Error: |OpenSSL Error)/.test(line));
  const known = FILES_OF_TLS.find(([pattern]) => said.some((line) => pattern.test(line)));
  return new LabError(
    "BROKER_EXITED",
    `${plan.name} ended ${howItEnded(exit)} before it was ready: it cannot use a file of its TLS listener\n${said.join("\n")}`,
    known?.[1] ??
      "look at the file that is named: `ca.server(…)` gives `chain` for `certfile`, and `key` for `keyfile`",
  );
}

function databasePath(plan: BrokerPlan): string {
  const texts = [plan.conf, ...plan.files.filter((file) => file.path.endsWith(".conf")).map((file) => file.content)];
  const lines = texts.flatMap((text) =>
    confLines(typeof text === "string" ? text : new TextDecoder().decode(text ?? undefined)),
  );
  const last = (key: string) => lines.filter((line) => line.key === key).at(-1)?.value;
  return `${last("persistence_location") ?? ""}/${last("persistence_file") ?? "mosquitto.db"}`.replace(/\/+/g, "/");
}

const howItEnded = (exit: Exit): string => (exit.signal ? `by ${exit.signal}` : `with exit code ${exit.code}`);

function plainExit(plan: BrokerPlan, exit: Exit, lines: string[]): LabError {
  const said = lines.slice(-10).join("\n") || "(it logged nothing)";
  return new LabError(
    "BROKER_EXITED",
    `${plan.name} ended ${howItEnded(exit)} before it was ready. Its last lines:\n${said}`,
    "the last line usually names the option or the file; mend it and run the cell again",
  );
}

/** The error for a broker that runs and whose listeners don't answer. */
export function notReadyError(plan: BrokerPlan, silent: readonly number[], log: LogBook): LabError {
  return new LabError(
    "BROKER_NOT_READY",
    `${plan.name} runs, but within ${plan.timeout} ms there was no CONNACK on port ${silent.join(", ") || "?"}. Its last lines:\n${log.tail() || "(it logged nothing)"}`,
    "see whether the log says that each listener was opened; a plugin that blocks or a bind address out of reach keeps them silent",
  );
}
