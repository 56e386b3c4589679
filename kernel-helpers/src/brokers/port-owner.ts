/** Which program listens on a port of this machine, where the system says so. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTEN = "0A";

/** "name (process 123)", or null: another user's process, another machine's, or a system without /proc. */
export function portOwner(port: number): string | null {
  const sockets = new Set([...listening("/proc/net/tcp", port), ...listening("/proc/net/tcp6", port)]);
  if (!sockets.size) return null;
  for (const pid of orNone(() => readdirSync("/proc")).filter((name) => /^\d+$/.test(name))) {
    const open = orNone(() => readdirSync(`/proc/${pid}/fd`));
    const holds = open.some((fd) =>
      orNone(() => [readlinkSync(`/proc/${pid}/fd/${fd}`)]).some((it) => sockets.has(it)),
    );
    if (holds) return `${orNone(() => [readFileSync(`/proc/${pid}/comm`, "utf8").trim()])[0] ?? "?"} (process ${pid})`;
  }
  return null;
}

/** The sockets of a table of the kernel's, as a process's descriptors name them. */
function listening(table: string, port: number): string[] {
  const rows = orNone(() => readFileSync(table, "utf8").split("\n").slice(1));
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === LISTEN)
    .map((fields) => `socket:[${fields[9]}]`);
}

/** What ends or is closed while we look, and what this user may not see, tells nothing. */
function orNone<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch {
    return [];
  }
}
