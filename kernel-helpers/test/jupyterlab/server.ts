/** `npm start` as a person runs it, on notebooks of its own; ended with everything it runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import { cacheFolder, courseRoot } from "kernel-helpers/dist/core/paths";

export interface Server {
  /** "http://127.0.0.1:8890/" */
  readonly base: string;
  readonly token: string;
  /** Where JupyterLab opens: copies of the course's notebooks, and what a test puts there. */
  readonly folder: string;
  /** Ctrl-C, then all is awaited and the folder removed. */
  end(): Promise<void>;
}

export async function startServer(engine: EngineKind = "embedded"): Promise<Server> {
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, "jupyterlab-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const child = spawn(
    process.execPath,
    [
      join(courseRoot, "kernel-helpers", "setup.mjs"),
      "start",
      "--no-browser",
      "--port",
      String(await freePort()),
      "--engine",
      engine,
    ],
    {
      cwd: courseRoot,
      env: {
        ...process.env,
        // Set by the test runner; our kernels are no test of its.
        NODE_TEST_CONTEXT: undefined,
        MQTT_NOTEBOOKS_MINE: folder,
        MQTT_NOTEBOOKS_EXPOSE_APP: "1",
        MQTT_LAB_PROGRESS: "",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const over = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async () => {
    child.kill("SIGINT");
    await over;
    removeFolder();
  };
  try {
    const [, base, token] = await printed(child, /^Open: (http:\/\/[^/]+\/)\S*[?&]token=(\w+)/m);
    return { base: base!, token: token!, folder, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Resolves with the first match of what it prints; rejects with everything printed when it ends before. */
function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  return new Promise((resolve, reject) => {
    const note = (more: Buffer) => {
      text += more;
      const match = pattern.exec(text);
      if (match) resolve(match);
    };
    child.stdout!.on("data", note);
    child.stderr!.on("data", note);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`npm start ended with ${code}:\n${text}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
