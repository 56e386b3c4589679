import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineKind } from "../brokers/engine";
import type { Outcome } from "../checks/outcome";
import { HereHost } from "./host";
import type { JudgeAddress } from "./judge-protocol";
import { JudgeSession } from "./judge-session";
import { versionFor } from "./lessons";
import { readMaterial } from "./material";
import { type CheckBody, runCheck } from "./run-check";

export interface JudgeOptions {
  readonly lab: string;
  readonly engine?: EngineKind | "auto";
  /** Topics, ids and numbers of every check come from it. */
  readonly seed: string;
  /** Where the kernel is sealed: opens a way to a port of this machine, before the kernel hears of it. */
  readonly reach?: (port: number) => Promise<void>;
  /** Where the kernel is sealed: makes a port of the kernel's one of this machine. */
  readonly expose?: (port: number) => Promise<void>;
}

/** A check that may be called now: by the cell that runs now, once. */
export interface Turn {
  readonly id: string;
  readonly points: number;
  readonly body: CheckBody<Record<string, unknown>>;
  readonly limit?: number;
}

interface OpenTurn extends Turn {
  outcome: Promise<Outcome> | undefined;
}

/**
 * The judge of one submission: owns brokers, taps, probes and seed, and runs the pristine checks' own text. What the
 * graded kernel sends is only what a check is given. A verdict is made here and stays here.
 */
export class JudgeServer {
  readonly #options: JudgeOptions;
  readonly #folder: string | undefined;
  readonly #path: string;
  readonly #server: Server;
  #host: HereHost | undefined;
  #session: JudgeSession | undefined;
  #token: string | undefined;
  #turn: OpenTurn | undefined;
  #closed = false;

  private constructor(options: JudgeOptions, folder: string | undefined, path: string) {
    this.#options = options;
    this.#folder = folder;
    this.#path = path;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async open(options: JudgeOptions): Promise<JudgeServer> {
    const windows = process.platform === "win32";
    // mkdtemp makes it 0700: nobody else's processes reach the socket.
    const folder = windows ? undefined : await mkdtemp(join(tmpdir(), "mqtt-judge-"));
    const path = folder ? join(folder, "s") : `\\\\.\\pipe\\mqtt-judge-${randomBytes(16).toString("hex")}`;
    const judge = new JudgeServer(options, folder, path);
    await new Promise<void>((resolve, reject) => {
      judge.#server.once("error", reject);
      judge.#server.listen(path, resolve);
    });
    return judge;
  }

  /** Where its socket lies; undefined on systems whose pipes have no folder. It goes with the judge. */
  get folder(): string | undefined {
    return this.#folder;
  }

  /** For the next kernel: ends the earlier one's connection with all it had open, and makes a token for one more. */
  async admit(): Promise<JudgeAddress> {
    await this.#dismiss();
    this.#token = randomBytes(32).toString("hex");
    return { path: this.#path, token: this.#token };
  }

  /** The check cell that is about to run. */
  expect(turn: Turn): void {
    this.#turn = { ...turn, outcome: undefined };
  }

  /** That cell is over: its verdict, or undefined when it never called its check. Later calls are refused. */
  async settle(): Promise<Outcome | undefined> {
    const turn = this.#turn;
    this.#turn = undefined;
    return turn?.outcome;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#token = undefined;
    try {
      await this.#turn?.outcome;
      await this.#dismiss();
    } finally {
      await new Promise((resolve) => this.#server.close(resolve));
      if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
    }
  }

  async #dismiss(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    session?.end();
    const host = this.#host;
    this.#host = undefined;
    await host?.close();
    if (!session?.volumes.size) return;
    const { lab, engine } = this.#options;
    const cleaner = host ?? (await HereHost.open(lab, engine));
    for (const volume of session.volumes) await cleaner.removeVolume(volume);
    if (!host) await cleaner.close();
  }

  #accept(socket: Socket): void {
    const session: JudgeSession = new JudgeSession(socket, {
      admit: (token) => {
        if (!this.#token || !sameText(token, this.#token)) return false;
        this.#token = undefined;
        this.#session = session;
        return true;
      },
      host: (): Promise<HereHost> => this.#hostOf(session),
      renew: async () => {
        const host = this.#host;
        this.#host = undefined;
        await host?.close();
      },
      check: (id, given, host) => this.#check(id, given, host, session),
      reach: async (port) => this.#options.reach?.(port),
      expose: async (port) => this.#options.expose?.(port),
    });
  }

  async #hostOf(session: JudgeSession): Promise<HereHost> {
    if (session !== this.#session) throw new Error("this connection is over");
    this.#host ??= await HereHost.open(this.#options.lab, this.#options.engine);
    return this.#host;
  }

  #check(id: string, given: () => unknown, host: HereHost, session: JudgeSession): Promise<Outcome> {
    const turn = this.#turn;
    if (!turn || turn.id !== id || turn.outcome) {
      throw new Error(`the check "${id.slice(0, 60)}" is not called here: it has a cell of its own, which runs once`);
    }
    const shared = given();
    const record = typeof shared === "object" && shared !== null ? (shared as Record<string, unknown>) : {};
    turn.outcome = runCheck({
      id,
      points: turn.points,
      limit: turn.limit,
      host,
      seed: `${this.#options.seed}/${id}`,
      material: (name) => readMaterial(this.#options.lab, name),
      version: versionFor(record, host),
      owns: (url) => session.owns(url),
      onBroker: (broker) => session.ownBroker(broker),
      onTap: (url) => session.reachTap(url),
      given: record,
      body: turn.body,
    });
    return turn.outcome;
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
