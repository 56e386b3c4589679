/** A container that a lab owns: what brokers and services have in common. */
import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import { LogBook } from "../../core/log-book";
import type { Scope } from "../../core/scope";
import type { BrokerState, ExecOptions, Exit, ToolResult } from "../engine";
import { lineSink, over } from "../line-sink";
import { pack, unpack } from "../tar";
import { removeContainer } from "./cleanup";
import { call, callGone, statusOf } from "./client";
import { execIn, OWNER } from "./exec";

interface Run {
  readonly exited: Promise<Exit>;
}

export class Box {
  readonly log = new LogBook();
  lastExit: Exit | null = null;
  state: BrokerState = "exited";
  readonly docker: Docker;
  readonly container: Docker.Container;
  readonly name: string;
  #run: Run | undefined;
  #removal: Promise<void> | undefined;
  readonly #forget: () => void;

  private constructor(docker: Docker, container: Docker.Container, name: string, forget: () => void) {
    this.docker = docker;
    this.container = container;
    this.name = name;
    this.#forget = forget;
  }

  /**
   * Creates the container, connects it to the lab's network and fills it; nothing runs yet.
   * @param archive files to unpack at its root. It travels through the engine's API: a remote engine gets it too.
   */
  static async create(
    docker: Docker,
    scope: Scope,
    name: string,
    options: Docker.ContainerCreateOptions,
    network: Docker.Network | null,
    archive: Buffer | null,
  ): Promise<Box> {
    let box: Box | undefined;
    let creating: Promise<Docker.Container | null> = Promise.resolve(null);
    const forget = scope.add(`container ${name}`, async () => {
      // The lab may be closed while the engine is at work: then this waits for it.
      const made = await creating.catch(() => null);
      if (made) await (box?.remove() ?? removeContainer(docker, made.id));
    });
    const created = call(`creating ${name}`, () => docker.createContainer(options));
    creating = created;
    const container = await created.catch((error) => {
      forget();
      throw error;
    });
    box = new Box(docker, container, name, forget);
    try {
      if (scope.closed) throw closedMeanwhile(name);
      const EndpointConfig = { Aliases: [name] };
      await allDone([
        network && call(`connecting ${name}`, () => network.connect({ Container: container.id, EndpointConfig })),
        archive && call(`copying files to ${name}`, () => container.putArchive(archive, { path: "/" })),
      ]);
      return box;
    } catch (error) {
      await box.remove();
      throw error;
    }
  }

  /** Starts the program. Its log streams in from its first line on. */
  async start(): Promise<Run> {
    this.#present();
    const { container } = this;
    const stream = await call(`starting ${this.name}`, () =>
      container.attach({ stream: true, stdout: true, stderr: true }),
    );
    const [out, err] = [lineSink((text) => this.log.append(text)), lineSink((text) => this.log.append(text))];
    this.docker.modem.demuxStream(stream, out, err);
    const logged = over(stream).then(() => {
      out.end();
      err.end();
    });
    try {
      await call(`starting ${this.name}`, () => container.start());
    } catch (error) {
      (stream as unknown as { destroy(): void }).destroy();
      this.#present();
      throw error;
    }
    this.state = "running";
    this.lastExit = null;
    const run: Run = { exited: this.#awaitExit(logged) };
    // Nobody may be waiting; whoever waits later gets the same error.
    run.exited.catch(() => undefined);
    this.#run = run;
    return run;
  }

  async #awaitExit(logged: Promise<void>): Promise<Exit> {
    const status = await call(`watching ${this.name}`, () => this.#untilEnded(logged));
    // The last lines are on their way; a program that left children behind must not hold us up.
    await Promise.race([logged, new Promise((resolve) => setTimeout(resolve, 300).unref())]);
    const exit = asExit(status);
    this.state = "exited";
    this.lastExit = exit;
    return exit;
  }

  /**
   * The engine tells the end of a container, but an engine that dies while it is being asked leaves the question open
   * for ever: so when the log has ended too, the container is looked at.
   */
  async #untilEnded(logged: Promise<void>): Promise<number> {
    let ended = false;
    const told = this.container.wait().then(({ StatusCode }: { StatusCode: number }) => StatusCode);
    const seen = logged.then(async () => {
      for (let pause = 300; ; pause = 1_000) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (ended) return 0;
        const { State } = await this.container.inspect();
        if (!State.Running) return State.ExitCode;
      }
    });
    try {
      return await Promise.race([told, seen]);
    } finally {
      ended = true;
    }
  }

  exited(): Promise<Exit> {
    if (this.lastExit) return Promise.resolve(this.lastExit);
    return (
      this.#run?.exited ?? Promise.reject(new LabError("BROKER_EXITED", `${this.name} never ran`, "start it first"))
    );
  }

  async exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult> {
    this.#running();
    return execIn(this.docker, this.container, command, options);
  }

  async signal(signal: string): Promise<void> {
    this.#running();
    await call(`signalling ${this.name}`, () => this.container.kill({ signal }));
  }

  async stop(): Promise<Exit> {
    this.#present();
    if (this.state === "exited") return this.exited();
    if (this.state === "paused") await this.resume();
    await callGone(`stopping ${this.name}`, () => ignoring304(this.container.stop({ t: 10 })));
    return this.exited();
  }

  async kill(): Promise<Exit> {
    this.#present();
    if (this.state === "exited") return this.exited();
    try {
      await call(`killing ${this.name}`, () => this.container.kill({ signal: "SIGKILL" }));
    } catch (error) {
      if (statusOf(error) !== 409) throw error; // it ended by itself in this moment
    }
    // Some engines deliver the signal to a frozen program only when it thaws.
    if (this.state === "paused") await this.container.unpause().catch(() => undefined);
    return this.exited();
  }

  async pause(): Promise<void> {
    this.#present();
    if (this.state === "paused") return;
    this.#running();
    await call(`pausing ${this.name}`, () => this.container.pause());
    this.state = "paused";
  }

  async resume(): Promise<void> {
    this.#present();
    if (this.state !== "paused") return;
    await call(`resuming ${this.name}`, () => this.container.unpause());
    this.state = "running";
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.#present();
    const found = await readOut(this.container, path);
    if (found) return found;
    throw new LabError(
      "BAD_ARGUMENT",
      `${this.name} has no file ${path}`,
      `see what is there: exec("ls", "-l", "/mosquitto/config")`,
    );
  }

  async writeFile(path: string, content: Uint8Array, mode: number): Promise<void> {
    this.#present();
    const archive = pack([{ path: path.slice(1), content, mode }], OWNER, foldersOf([path]));
    await call(`writing ${path}`, () => this.container.putArchive(archive, { path: "/" }));
  }

  /** Safe to call twice, and at any moment. */
  remove(): Promise<void> {
    this.#removal ??= removeContainer(this.docker, this.container.id).then(
      () => {
        this.#forget();
        this.state = "exited";
        this.lastExit ??= { code: null, signal: "SIGKILL" };
        this.log.end();
      },
      (error) => {
        this.#removal = undefined;
        throw error;
      },
    );
    return this.#removal;
  }

  get removed(): boolean {
    return this.#removal !== undefined;
  }

  #present(): void {
    if (this.#removal) throw closedMeanwhile(this.name);
  }

  #running(): void {
    this.#present();
    if (this.state === "running") return;
    throw new LabError(
      "BROKER_EXITED",
      `${this.name} is ${this.state === "paused" ? "paused" : "not running"}`,
      this.state === "paused" ? "resume it first" : "start it first",
    );
  }
}

/** All of them, and only then the first failure: what still runs must not meet the clean-up. */
async function allDone(acts: (Promise<unknown> | null)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(acts)) if (outcome.status === "rejected") throw outcome.reason;
}

const closedMeanwhile = (name: string): LabError =>
  new LabError("NOT_IN_A_LAB", `${name} was removed`, "run the cell that starts it again");

/** A file of a container, running or not; null when there is none. */
export async function readOut(container: Docker.Container, path: string): Promise<Uint8Array | null> {
  let stream: NodeJS.ReadableStream;
  try {
    stream = await container.getArchive({ path });
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const files = [...unpack(Buffer.concat(chunks)).values()];
  return files.length === 1 ? files[0]! : null;
}

/** The folders below / that these paths need, outermost first. */
export function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.slice(1).split("/").slice(0, -1);
    for (let depth = 2; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join("/"));
  }
  return [...folders];
}

async function ignoring304(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (statusOf(error) !== 304) throw error; // 304: it isn't running
  }
}

const SIGNALS: Record<number, string> = {
  1: "SIGHUP",
  2: "SIGINT",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

function asExit(status: number): Exit {
  const signal = status > 128 ? SIGNALS[status - 128] : undefined;
  return signal ? { code: null, signal } : { code: status, signal: null };
}
