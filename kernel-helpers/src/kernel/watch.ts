import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { orDiskFull } from "../core/disk-full";
import { cachePath } from "../core/paths";
import { type Guard, type Held, Scope } from "../core/scope";
import { currentSession } from "../core/session";

/** A line to the watcher process: hold this under a number, or let that number go. */
export type WatchOrder = { readonly hold: number; readonly held: Held } | { readonly drop: number };

/**
 * The process that outlives this one. It sits in a session of its own at the end of a pipe of which this process has
 * the only other end: however this one dies, the pipe closes, and the watcher ends what it was told to hold.
 */
class Watcher implements Guard {
  #pipe: Writable | undefined;
  #next = 1;
  #held = new Map<number, Held>();

  hold(held: Held): () => void {
    const number = this.#next++;
    this.#send({ hold: number, held });
    this.#held.set(number, held);
    return () => {
      this.#held.delete(number);
      this.#send({ drop: number });
    };
  }

  #send(order: WatchOrder): void {
    if (!this.#pipe) {
      this.#pipe = this.#start();
      for (const [hold, held] of this.#held) this.#write({ hold, held });
    }
    this.#write(order);
  }

  #write(order: WatchOrder): void {
    this.#pipe?.write(`${JSON.stringify(order)}\n`);
  }

  #start(): Writable {
    const child = spawn(process.execPath, [join(__dirname, "watch-process.js")], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    child.unref();
    const pipe = child.stdin!;
    (pipe as unknown as { unref(): void }).unref();
    // A watcher that somebody killed is replaced at the next order, and told everything again.
    const gone = () => {
      if (this.#pipe === pipe) this.#pipe = undefined;
    };
    pipe.on("error", gone);
    child.on("error", gone);
    child.on("exit", gone);
    return pipe;
  }
}

let watcher: Watcher | undefined;

/** The guard of this process: its watcher starts with the first thing it has to hold. */
export function processGuard(): Guard {
  watcher ??= new Watcher();
  return watcher;
}

/** Where a session keeps its record and its folders. */
export const sessionFolder = (id: string): string => cachePath("sessions", id);

/**
 * A scope for a lab of this process: a folder of its own, and an end that comes even when the process is killed.
 * @param lab is written to the session's record, for people who look into the folder.
 */
export async function openScope(lab: string): Promise<Scope> {
  const session = currentSession();
  const home = sessionFolder(session.id);
  const guard = processGuard();
  const scope = new Scope(session, join(home, `${Date.now().toString(36)}-${++scopes}`), guard);
  try {
    const first = mkdirSync(home, { recursive: true, mode: 0o700 }) !== undefined;
    if (first) guard.hold({ kind: "folder", path: home });
    writeFileSync(join(home, "session.json"), `${JSON.stringify({ ...session, lab })}\n`);
    mkdirSync(scope.folder, { mode: 0o700 });
  } catch (error) {
    throw orDiskFull(error, home);
  }
  scope.add("the lab's folder", () => rm(scope.folder, { recursive: true, force: true }));
  return scope;
}
let scopes = 0;
