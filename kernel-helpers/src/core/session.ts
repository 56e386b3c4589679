import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Session } from "./scope";

let current: Session | undefined;

/** This process as an owner of resources. The same object for the life of the process. */
export function currentSession(): Session {
  current ??= {
    id: `${process.pid}-${randomBytes(4).toString("hex")}`,
    pid: process.pid,
    started: processStarted(process.pid) ?? "",
    boot: thisBoot(),
    uid: process.getuid?.() ?? -1,
  };
  return current;
}

/**
 * When a process started, in its system's own words; null when there is no such process.
 * A process id alone names nobody: it is given out again.
 */
export function processStarted(pid: number): string | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  if (process.platform === "linux") {
    const stat = readIfThere(`/proc/${pid}/stat`);
    // The command's name stands in brackets and may itself hold brackets and spaces.
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields && fields[0] !== "Z" && fields[0] !== "X" ? (fields[19] ?? null) : null;
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return null;
  }
  if (process.platform === "win32") return "";
  return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
}

/** Whether the process that a record names still runs. Only meaningful for owners of this boot. */
export function isAlive(owner: Pick<Session, "pid" | "started">): boolean {
  const started = processStarted(owner.pid);
  return started !== null && (owner.started === "" || owner.started === started);
}

/** What may be said of a session that a label or a record names. */
export type OwnerState = "alive" | "dead" | "elsewhere";

/**
 * Judges an owner by what its label says. "elsewhere": another user's or another machine's, not ours to judge.
 * An owner of this machine's earlier boot is dead.
 */
export function ownerState(owner: Session): OwnerState {
  const me = currentSession();
  if (owner.uid !== me.uid || machineOf(owner.boot) !== machineOf(me.boot)) return "elsewhere";
  if (owner.boot !== me.boot) return "dead";
  return isAlive(owner) ? "alive" : "dead";
}

const machineOf = (boot: string): string => boot.split(".")[0] ?? "";

/** "machine.boot", both hashed: which machine (and which space of process ids on it), and which of its boots. */
function thisBoot(): string {
  const machine = [readIfThere("/etc/machine-id")?.trim() ?? "", hostname(), pidNamespace()].join("\n");
  return `${short(machine)}.${short(bootId())}`;
}

function bootId(): string {
  const linux = readIfThere("/proc/sys/kernel/random/boot_id");
  if (linux) return linux.trim();
  if (process.platform !== "darwin") return "";
  return execFileSync("sysctl", ["-n", "kern.bootsessionuuid"], { encoding: "utf8" }).trim();
}

/** Two containers on one host share its boot id and count their processes apart. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return ""; // no such thing on this system
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // absent, or the process ended meanwhile
  }
}

const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
