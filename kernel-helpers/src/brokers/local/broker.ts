import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { ResultPromise } from "execa";
import { orDiskFull } from "../../core/disk-full";
import { LabError } from "../../core/errors";
import { LogBook } from "../../core/log-book";
import type { Scope } from "../../core/scope";
import { processStarted } from "../../core/session";
import type { BrokerSignal, BrokerState, EngineBroker, ExecOptions, Exit, Listener, ToolResult } from "../engine";
import { lineSink } from "../line-sink";
import { type ConfReading, readConf } from "../mosquitto-conf";
import { type BrokerPlan, CONF_PATH, includedTexts, modeFor } from "../plan";
import { canListen, HostPortTaken } from "../ports";
import { answers } from "../probe";
import { untilReady } from "../ready";
import { statedVersion } from "../stated-version";
import { PROCESS_RECORD } from "../sweep";
import type { LocalMosquitto } from "./machine";
import { run } from "./run";
import { type Place, toLearnersWords, toRealConf, toRealPaths } from "./translate";

/** How long a broker that was asked to end may take: as the container engines have it. */
const PATIENCE = 10_000;

/** A broker as a process of this machine, in a folder that stands for /mosquitto. */
export class LocalBroker implements EngineBroker {
  readonly engine = "local";
  readonly name: string;
  readonly listeners: readonly Listener[];
  readonly log = new LogBook();
  lastExit: Exit | null = null;
  state: BrokerState = "exited";
  readonly #plan: BrokerPlan;
  readonly #scope: Scope;
  readonly #mosquitto: LocalMosquitto;
  readonly #place: Place;
  readonly #forget: () => void;
  /** The learner's own text of the files that were translated, with what stands on the disk. */
  #translated = new Map<string, { own: string; real: string }>();
  #process: ResultPromise | undefined;
  #exited: Promise<Exit> | undefined;
  #removal: Promise<void> | undefined;

  constructor(plan: BrokerPlan, scope: Scope, mosquitto: LocalMosquitto, place: Place, listeners: readonly Listener[]) {
    this.#plan = plan;
    this.#scope = scope;
    this.#mosquitto = mosquitto;
    this.#place = place;
    this.name = plan.name;
    this.listeners = listeners;
    this.#forget = scope.add(`broker ${plan.name}`, () => this.remove());
  }

  get version(): string {
    return statedVersion(this.log) ?? this.#mosquitto.version;
  }

  /** Makes its folder. @param data where a named volume is, or null. */
  prepare(data: string | null): void {
    const { folder } = this.#place;
    for (const part of ["config", "log"]) mkdirSync(join(folder, part), { recursive: true });
    if (data === null) mkdirSync(join(folder, "data"));
    else {
      mkdirSync(data, { recursive: true });
      symlinkSync(data, join(folder, "data"));
    }
    for (const file of this.#plan.files) this.#write(file.path, file.content, file.mode);
    if (this.#plan.conf !== null) this.#write(CONF_PATH, new TextEncoder().encode(this.#plan.conf), 0o644);
  }

  async start(): Promise<void> {
    this.#present();
    if (this.state === "running") return;
    if (this.state === "paused") return this.resume();
    const after = this.log.lines.length;
    const { exited } = await this.#spawn();
    if (this.#plan.ready !== "connack") return;
    const questions = this.listeners.map((listener, index) => ({
      port: listener.port,
      ask: (signal: AbortSignal) => answers({ ...listener, proxy: this.#plan.listeners[index]?.proxy }, signal),
    }));
    try {
      await untilReady(this.#plan, questions, exited, this.log, after);
    } catch (error) {
      throw await this.#orHostPortTaken(error);
    }
  }

  /** Two listeners of one configuration on one port leave it free once their broker has ended. */
  async #orHostPortTaken(error: unknown): Promise<unknown> {
    if (!(error instanceof LabError) || error.code !== "PORT_TAKEN") return error;
    for (const { host, hostPort } of this.listeners) {
      if (!(await canListen(host, hostPort))) return new HostPortTaken(hostPort, error.message);
    }
    return error;
  }

  async #spawn(): Promise<{ exited: Promise<Exit> }> {
    const { execa } = await import("execa");
    this.#present();
    const child = execa(this.#mosquitto.path, this.#args(), {
      cwd: this.#place.folder,
      env: this.#plan.env,
      // A group of its own: the interrupt that a terminal sends to the kernel's group is not meant for brokers.
      detached: true,
      cleanup: false,
      reject: false,
      buffer: false,
      stdin: "ignore",
    });
    this.#process = child;
    const exited = this.#watch(child);
    this.#exited = exited;
    try {
      this.#record(child.pid);
    } catch (error) {
      // A process that no record names would outlive a kernel that is killed.
      await this.#end("SIGKILL");
      throw orDiskFull(error, this.#place.folder);
    }
    // A promise would be awaited on its way out of an async function.
    return { exited };
  }

  #args(): string[] {
    // Without a listener Mosquitto takes 1883 of this machine's loopback, unless the command line has another number.
    const own = this.#reading(this.#plan.conf).localOnly ? this.listeners[0] : undefined;
    const conf = this.#plan.conf === null ? [] : ["-c", this.#real(CONF_PATH)];
    return [...conf, ...(own ? ["-p", String(own.hostPort)] : [])];
  }

  async #watch(child: ResultPromise): Promise<Exit> {
    const { pid } = child;
    let release = () => {};
    if (pid !== undefined) {
      release = this.#scope.guard.hold({ kind: "process", pid, started: processStarted(pid) ?? "" });
    }
    const heard = (text: string) => this.log.append(toLearnersWords(text, this.#place));
    child.stdout?.pipe(lineSink(heard));
    child.stderr?.pipe(lineSink(heard));
    this.state = "running";
    this.lastExit = null;
    const { exitCode, signal, failed, shortMessage } = await child;
    release();
    if (pid === undefined) this.log.append(String(failed ? shortMessage : "it could not be started"));
    const exit: Exit = signal ? { code: null, signal } : { code: exitCode ?? -1, signal: null };
    this.state = "exited";
    this.lastExit = exit;
    return exit;
  }

  #record(pid: number | undefined): void {
    if (pid === undefined) return;
    const record = JSON.stringify({ pid, started: processStarted(pid) ?? "" });
    writeFileSync(join(dirname(this.#place.folder), PROCESS_RECORD), record);
  }

  get scope(): Scope {
    return this.#scope;
  }

  get removed(): boolean {
    return this.#removal !== undefined;
  }

  /** The process that is or was the broker. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  exited(): Promise<Exit> {
    if (this.lastExit) return Promise.resolve(this.lastExit);
    return this.#exited ?? Promise.reject(new LabError("BROKER_EXITED", `${this.name} never ran`, "start it first"));
  }

  async exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult> {
    this.#present();
    return run(command, this.#place, this.name, options);
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.#present();
    let content: Buffer;
    try {
      content = readFileSync(this.#real(path));
    } catch (error) {
      if (!["ENOENT", "EISDIR", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      throw new LabError(
        "BAD_ARGUMENT",
        `${this.name} has no file ${path}`,
        'see what is there: exec("ls", "-l", "/mosquitto/config")',
        { cause: error },
      );
    }
    const translated = this.#translated.get(path);
    return translated?.real === content.toString()
      ? new TextEncoder().encode(translated.own)
      : Uint8Array.from(content);
  }

  async writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
    this.#present();
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.#write(path, bytes, mode ?? modeFor(path, this.#plan.files));
  }

  #write(path: string, content: Uint8Array, mode: number): void {
    const real = this.#real(path);
    let bytes = content;
    this.#translated.delete(path);
    if (path === CONF_PATH || this.#isIncluded(path)) {
      const own = new TextDecoder().decode(content);
      const text = toRealConf(own, this.#place, this.#reading(own), path === CONF_PATH);
      this.#translated.set(path, { own, real: text });
      bytes = new TextEncoder().encode(text);
    }
    mkdirSync(dirname(real), { recursive: true });
    // Under another name first: a broker that reads at this moment finds the old file or the new one.
    const fresh = `${real}.new`;
    try {
      writeFileSync(fresh, bytes, { mode });
      chmodSync(fresh, mode);
      renameSync(fresh, real);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw orDiskFull(error, dirname(real));
    }
  }

  #isIncluded(path: string): boolean {
    const folders = this.#reading(this.#plan.conf).includes.map((folder) => posix.normalize(`${folder}/`).slice(0, -1));
    return path.endsWith(".conf") && folders.includes(posix.dirname(path));
  }

  #reading(conf: string | null): ConfReading {
    return readConf(conf, (folder) => includedTexts(this.#plan.files, folder));
  }

  #real(path: string): string {
    const clean = posix.normalize(path);
    if (clean.startsWith("/mosquitto/")) return toRealPaths(clean, this.#place);
    throw new LabError(
      "ENGINE_CANNOT",
      `the local engine has no file system of its own: there is no ${path}`,
      "use a path below /mosquitto, or the docker engine",
    );
  }

  async signal(signal: BrokerSignal): Promise<void> {
    this.#present();
    if (this.state !== "running" || !this.#process?.kill(signal)) {
      throw new LabError(
        "BROKER_EXITED",
        `${this.name} is ${this.state === "paused" ? "paused" : "not running"}`,
        this.state === "paused" ? "resume it first" : "start it first",
      );
    }
  }

  async stop(): Promise<Exit> {
    this.#present();
    return this.#end("SIGTERM");
  }

  async kill(): Promise<Exit> {
    this.#present();
    return this.#end("SIGKILL");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<Exit> {
    const child = this.#process;
    if (this.state === "exited" || !child) return this.exited();
    child.kill(signal);
    // A stopped process keeps SIGTERM waiting; to SIGKILL it makes no difference.
    if (this.state === "paused") child.kill("SIGCONT");
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    try {
      return await this.exited();
    } finally {
      clearTimeout(timer);
    }
  }

  async pause(): Promise<void> {
    if (this.state === "paused") return;
    await this.signal("SIGSTOP" as BrokerSignal);
    this.state = "paused";
  }

  async resume(): Promise<void> {
    this.#present();
    if (this.state !== "paused") return;
    this.#process?.kill("SIGCONT");
    this.state = "running";
  }

  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #remove(): Promise<void> {
    if (this.#exited) await this.#end("SIGKILL");
    await rm(dirname(this.#place.folder), { recursive: true, force: true, maxRetries: 3 });
    this.#forget();
    this.lastExit ??= { code: null, signal: "SIGKILL" };
    this.log.end();
  }

  addressFor(port: number): string {
    // By name, as on the other engines: a configuration's names lead through what a link can cut.
    if (this.#place.ports.has(port)) return `${this.name}:${port}`;
    throw new LabError(
      "BAD_ARGUMENT",
      `${this.name} has no listener on port ${port}`,
      "name a port of its configuration",
    );
  }

  #present(): void {
    if (!this.#removal) return;
    throw new LabError("NOT_IN_A_LAB", `${this.name} was removed`, "run the cell that starts it again");
  }
}
