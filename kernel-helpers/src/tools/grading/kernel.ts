import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { KernelClient } from "../../kernel/client";
import { kernelSpec } from "../../kernel/kernelspec";
import { JUDGE_ENV, type JudgeAddress } from "../../lab/judge-protocol";
import { DEFAULT_LIMITS, heapFlag, inMiB, type Limits } from "./limits";
import { family, memoryOf } from "./processes";
import type { CellEnd } from "./result";
import { SEALED_ROOT } from "./sealed-course";
import { SealedKernel } from "./sealed-kernel";

/** What a graded kernel finds in its environment besides what the grader says: nothing of the instructor's. */
const KEPT = ["PATH", "LANG", "LC_ALL", "TZ", "SystemRoot", "ComSpec", "PATHEXT", "TEMP", "TMP", "TMPDIR"];
/** Characters of output after which a cell is ended: a flood must not fill the grader's memory. */
const FLOOD = 20_000_000;
/** How often a kernel of this machine is looked at, in milliseconds. */
const WATCH = 500;
/** Every so many looks: a look for processes of its own, which reads all of this machine's. */
const SEARCH = 4;
const MARK = "MQTT_LAB_GRADED";
/** No progress is written down, and no picture drawn again that nobody looks at. */
const UNKEPT = { MQTT_LAB_PROGRESS: "", MQTT_LAB_UNSEEN: "1" };

export interface KernelPlan {
  readonly lab: string;
  /** A folder of its own, for a kernel that is a process of this machine. */
  readonly folder: string;
  readonly judge: JudgeAddress;
  readonly limits: Limits;
  /** Where it is sealed: the engine, and the volume with the course. */
  readonly sealed?: { readonly docker: Docker; readonly volume: string };
}

/** The kernel that runs a learner's cells. Nothing that it says decides a mark. */
export class GradedKernel {
  readonly #client: KernelClient;
  readonly #sealed: SealedKernel | undefined;
  readonly #watch: { stop(): void; readonly why: string } | undefined;
  readonly #mark: string;
  readonly #memory: number;

  private constructor(client: KernelClient, plan: KernelPlan, mark: string, sealed?: SealedKernel) {
    this.#client = client;
    this.#sealed = sealed;
    this.#mark = mark;
    this.#memory = plan.limits.memory ?? DEFAULT_LIMITS.memory;
    this.#watch = sealed ? undefined : watch(client, plan, mark);
  }

  static start(plan: KernelPlan): Promise<GradedKernel> {
    const make: Make = (client, mark, sealed) => new GradedKernel(client, plan, mark, sealed);
    return plan.sealed ? startSealed(plan, plan.sealed, make) : startHere(plan, make);
  }

  /** Its process on this machine; undefined for a sealed one. */
  get pid(): number | undefined {
    return this.#client.pid;
  }

  get alive(): boolean {
    return this.#client.alive;
  }

  /** Opens a way to a port of the judge's; a kernel of this machine needs none. */
  async reach(port: number): Promise<void> {
    await this.#sealed?.reach(port);
  }

  /** Makes a port of a sealed kernel's one of this machine. @throws Error when somebody here has it. */
  async expose(port: number): Promise<void> {
    await this.#sealed?.expose(port);
  }

  /** Runs a cell and says how it ended; never throws for what the cell does. */
  async execute(code: string, timeout: number): Promise<CellEnd> {
    let seen = 0;
    let flooded = false;
    const began = Date.now();
    const onMessage = (_type: string, content: object) => {
      seen += sizeOf(content);
      if (seen <= FLOOD || flooded) return;
      flooded = true;
      void this.#client.kill();
    };
    try {
      const run = await this.#client.execute(code, { timeout, stopOnError: false, onMessage });
      if (run.timedOut) return { how: "timeout", message: late(timeout) };
      if (run.status === "ok") return { how: "ok", message: "" };
      return { how: "error", message: `${run.error?.ename ?? run.status}: ${run.error?.evalue ?? ""}` };
    } catch (error) {
      if (flooded) return { how: "died", message: FLOODED };
      // It heard no interrupt: its loop leaves nobody else a turn.
      if (Date.now() - began > timeout)
        return { how: "timeout", message: `${late(timeout)}, and could not be interrupted` };
      return { how: "died", message: this.#whyItDied((error as Error).message) };
    }
  }

  #whyItDied(said: string): string {
    const memory = this.#sealed?.outOfMemory || /heap out of memory|Array buffer allocation failed/i.test(said);
    if (memory) return `it needed more memory than there is for one submission (${inMiB(this.#memory)})`;
    if (this.#watch?.why) return this.#watch.why;
    return `the kernel ended (${said.split("\n")[0]})`;
  }

  /** Ends the kernel and all that it started, at once: its cleanup is the judge's. */
  async end(): Promise<void> {
    this.#watch?.stop();
    const { pid } = this.#client;
    const started = pid === undefined ? [] : family(pid, this.#mark);
    await this.#client.kill();
    await this.#sealed?.remove();
    // Those that left the group, and what they have started since: until a look finds none.
    let left = started;
    for (let looks = 0; left.length && looks < 20; looks++) {
      for (const one of left) if (one !== pid) kill(one);
      left = pid === undefined ? [] : family(pid, this.#mark).filter((one) => one !== pid);
    }
  }
}

const late = (timeout: number): string => `the cell did not end within ${Math.round(timeout / 100) / 10} s`;
const FLOODED = "it flooded its output and was ended";

type Make = (client: KernelClient, mark: string, sealed?: SealedKernel) => GradedKernel;

async function startHere(plan: KernelPlan, made: Make): Promise<GradedKernel> {
  const mark = randomBytes(8).toString("hex");
  const hidden = Object.keys(process.env).filter((key) => !KEPT.includes(key));
  const bare: NodeJS.ProcessEnv = Object.fromEntries(hidden.map((key) => [key, undefined]));
  const { argv } = kernelSpec(process.execPath, join(__dirname, "..", "..", "kernel", "launch.js"));
  const [node, ...words] = argv;
  const client = await KernelClient.start({
    cwd: plan.folder,
    argv: [node!, heapFlag(plan.limits.memory ?? DEFAULT_LIMITS.memory), ...words],
    env: {
      ...bare,
      HOME: plan.folder,
      NO_COLOR: "1",
      ...UNKEPT,
      MQTT_LAB_NOTEBOOKS: process.env.MQTT_LAB_NOTEBOOKS,
      [MARK]: mark,
      [JUDGE_ENV]: JSON.stringify(plan.judge),
    },
  });
  return made(client, `${MARK}=${mark}`);
}

async function startSealed(plan: KernelPlan, to: NonNullable<KernelPlan["sealed"]>, made: Make): Promise<GradedKernel> {
  const memory = plan.limits.memory ?? DEFAULT_LIMITS.memory;
  const judge: JudgeAddress = { path: SealedKernel.judgePath, token: plan.judge.token };
  let sealed: SealedKernel | undefined;
  const client = await KernelClient.start({
    spawn: async (connection) => {
      sealed = await SealedKernel.start(connection, {
        ...to,
        lab: plan.lab,
        judge: plan.judge.path,
        flags: [heapFlag(memory)],
        limits: {
          memory,
          disk: plan.limits.disk ?? DEFAULT_LIMITS.disk,
          processes: DEFAULT_LIMITS.processes,
          processors: DEFAULT_LIMITS.processors,
        },
        env: {
          ...UNKEPT,
          MQTT_LAB_NOTEBOOKS: `${SEALED_ROOT}/notebooks`,
          [JUDGE_ENV]: JSON.stringify(judge),
        },
      });
      return sealed;
    },
  });
  return made(client, "", sealed);
}

/** Ends a kernel of this machine that takes more memory or disk than it may. */
function watch(client: KernelClient, plan: KernelPlan, mark: string): { stop(): void; readonly why: string } {
  const memory = plan.limits.memory ?? DEFAULT_LIMITS.memory;
  const disk = plan.limits.disk ?? DEFAULT_LIMITS.disk;
  let why = "";
  let known: number[] = [];
  let looks = 0;
  const look = (): void => {
    if (why || !client.alive || client.pid === undefined) return;
    known = looks++ % SEARCH ? known : family(client.pid, mark);
    const used = memoryOf(known);
    const written = sizeOfFolder(plan.folder);
    if (used > memory) why = `it needed more memory than there is for one submission (${inMiB(memory)})`;
    else if (written > disk) why = `it wrote more to disk than there is for one submission (${inMiB(disk)})`;
    if (why) void client.kill();
  };
  const timer = setInterval(look, WATCH);
  return {
    stop: () => clearInterval(timer),
    get why() {
      return why;
    },
  };
}

function sizeOfFolder(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? sizeOfFolder(path) : entry.isFile() ? onDisk(lstatSync(path)) : 0);
    }, 0);
  } catch {
    return 0; // a file that went away meanwhile: the next look counts
  }
}

/** A file with holes takes less than it is long. */
const onDisk = ({ blocks, size }: Stats): number => (process.platform === "win32" ? size : blocks * 512);

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function sizeOf(content: object): number {
  const { text, data } = content as { text?: unknown; data?: unknown };
  if (typeof text === "string") return text.length;
  return data ? JSON.stringify(data).length : 100;
}
