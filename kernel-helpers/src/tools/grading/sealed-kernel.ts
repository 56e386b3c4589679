/** A kernel in a container without a network, and the one door to it. */
import type Docker from "dockerode";
import { openSealed, type Sealed, type SealedLimits } from "../../brokers/docker/sealed";
import { kernelDeath, type RunningKernel } from "../../kernel/kernel-process";
import { kernelSpec } from "../../kernel/kernelspec";
import type { ConnectionInfo } from "../../kernel/protocol";
import { SEALED_ROOT } from "./sealed-course";
import { type GateEnd, Tunnel } from "./tunnel";

/** Where cells run inside, below the course so that its packages are found; a memory disk. */
const WORK = `${SEALED_ROOT}/work`;
const JUDGE_PATH = `${WORK}/.judge`;
const DIST = `${SEALED_ROOT}/kernel-helpers/dist`;

export interface SealedOptions {
  readonly docker: Docker;
  /** The volume of `sealedCourse`. */
  readonly volume: string;
  readonly lab: string;
  readonly limits: SealedLimits;
  /** Flags of Node for the kernel. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The judge's socket on this side. */
  readonly judge: string;
}

export class SealedKernel implements RunningKernel {
  readonly pid = undefined;
  readonly ended: Promise<void>;
  readonly #sealed: Sealed;
  readonly #tunnel: Tunnel;
  #end: GateEnd | undefined;
  #gone = false;
  #removal: Promise<void> | undefined;

  private constructor(sealed: Sealed, tunnel: Tunnel, kernel: Promise<GateEnd>) {
    this.#sealed = sealed;
    this.#tunnel = tunnel;
    const told = kernel.then((end) => {
      this.#end = end;
    });
    const over = Promise.race([told, sealed.ended]).catch(() => undefined);
    this.ended = over.then(async () => {
      this.#gone = true;
      tunnel.close();
      await this.remove();
    });
    // Awaited by whoever ends it; a container that cannot be removed is told there.
    this.ended.catch(() => undefined);
  }

  /** The path of the judge's socket, as the kernel sees it. */
  static readonly judgePath = JUDGE_PATH;

  static async start(connection: ConnectionInfo, options: SealedOptions): Promise<SealedKernel> {
    const { docker, volume, lab, limits } = options;
    const sealed = await openSealed(docker, {
      name: "learner",
      lab,
      command: ["node", `${DIST}/tools/grading/gate.js`],
      volume: { name: volume, at: SEALED_ROOT },
      limits,
      writable: [WORK, "/tmp"],
      env: ["LANG=C.UTF-8"],
    });
    const tunnel = new Tunnel(sealed.stream);
    try {
      const { shell_port, iopub_port, control_port, stdin_port, hb_port } = connection;
      await tunnel.announce(JUDGE_PATH, options.judge);
      for (const port of [shell_port, iopub_port, control_port, stdin_port, hb_port]) await tunnel.forward(port);
      const { argv, env } = kernelSpec("node", `${DIST}/kernel/launch.js`);
      const file = `${WORK}/.kernel.json`;
      const [program, ...words] = argv.map((word) => word.replace("{connection_file}", file));
      const ended = tunnel.start({
        argv: [program!, ...options.flags, ...words],
        env: { PATH: "/usr/bin:/bin", HOME: WORK, LANG: "C.UTF-8", ...env, ...options.env },
        cwd: WORK,
        file,
        content: JSON.stringify(connection),
      });
      return new SealedKernel(sealed, tunnel, ended);
    } catch (error) {
      tunnel.close();
      await sealed.remove();
      throw error;
    }
  }

  /** A port of this machine that cells may connect to from now on. */
  reach(port: number): Promise<void> {
    return this.#gone ? Promise.resolve() : this.#tunnel.announce(port);
  }

  /** A port inside that is reached by the same number at this machine from now on. */
  expose(port: number): Promise<void> {
    return this.#gone ? Promise.resolve() : this.#tunnel.forward(port);
  }

  get gone(): boolean {
    return this.#gone;
  }

  get lastWords(): string {
    return this.#end?.said ?? this.#sealed.said();
  }

  /** Whether the system ended it because it wanted too much memory. */
  get outOfMemory(): boolean {
    return this.#end?.memory === true;
  }

  kill(): void {
    void this.remove().catch(() => undefined);
  }

  death() {
    return kernelDeath(this.#end?.code ?? null, this.#end?.signal ?? null, this.lastWords);
  }

  remove(): Promise<void> {
    this.#removal ??= this.#sealed.remove();
    return this.#removal;
  }
}
