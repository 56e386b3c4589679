import { KernelClient } from "../../kernel/client";
import type { CellEnd } from "./result";

/** What a graded kernel finds in its environment besides what the grader says: nothing of the instructor's. */
const KEPT = ["PATH", "LANG", "LC_ALL", "TZ", "SystemRoot", "ComSpec", "PATHEXT", "TEMP", "TMP", "TMPDIR"];
/** Characters of output after which a cell is ended: a flood must not fill the grader's memory. */
const FLOOD = 20_000_000;

/** The kernel that runs a learner's cells. Nothing that it says decides a mark. */
export class GradedKernel {
  readonly #client: KernelClient;

  private constructor(client: KernelClient) {
    this.#client = client;
  }

  static async start(folder: string, env: NodeJS.ProcessEnv): Promise<GradedKernel> {
    const hidden = Object.keys(process.env).filter((key) => !KEPT.includes(key));
    const bare: NodeJS.ProcessEnv = Object.fromEntries(hidden.map((key) => [key, undefined]));
    const client = await KernelClient.start({
      cwd: folder,
      env: {
        ...bare,
        HOME: folder,
        NO_COLOR: "1",
        MQTT_LAB_PROGRESS: "",
        MQTT_LAB_NOTEBOOKS: process.env.MQTT_LAB_NOTEBOOKS,
        ...env,
      },
    });
    return new GradedKernel(client);
  }

  get alive(): boolean {
    return this.#client.alive;
  }

  /** Runs a cell and says how it ended; never throws for what the cell does. */
  async execute(code: string, timeout: number): Promise<CellEnd> {
    let seen = 0;
    let flooded = false;
    const onMessage = (_type: string, content: object) => {
      seen += sizeOf(content);
      if (seen <= FLOOD || flooded) return;
      flooded = true;
      void this.#client.kill();
    };
    try {
      const run = await this.#client.execute(code, { timeout, stopOnError: false, onMessage });
      if (run.timedOut) return { how: "timeout", message: `the cell did not end within ${timeout / 1000} s` };
      if (run.status === "ok") return { how: "ok", message: "" };
      return { how: "error", message: `${run.error?.ename ?? run.status}: ${run.error?.evalue ?? ""}` };
    } catch (error) {
      const why = flooded ? "it flooded its output and was ended" : `the kernel ended (${(error as Error).message})`;
      return { how: "died", message: why };
    }
  }

  /** Ends the kernel and its process group, at once: its cleanup is the judge's. */
  async end(): Promise<void> {
    await this.#client.kill();
  }
}

function sizeOf(content: object): number {
  const { text, data } = content as { text?: unknown; data?: unknown };
  if (typeof text === "string") return text.length;
  return data ? JSON.stringify(data).length : 100;
}
