/** `npm start`: the learner's copies, JupyterLab, the address, and an orderly end. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { EngineKind } from "../brokers/engine";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";
import { printError, type Tool } from "./cli";
import { engineLine } from "./engine-line";
import { type Jupyter, startJupyter } from "./jupyter";
import { bringCopies } from "./mine";

export const main: Tool = async ({ options }) => {
  const stop = stopSignal();
  try {
    const port = options.port === undefined ? undefined : portNumber(String(options.port));
    const engine = options.engine as EngineKind | "auto" | undefined; // set-up has checked the word
    // Tests work on copies of their own, so that nobody's answers are touched.
    const mine = process.env.MQTT_NOTEBOOKS_MINE || join(courseRoot, "notebooks", "mine");
    for (const { note } of bringCopies(join(courseRoot, "notebooks"), mine)) if (note) console.log(note);
    const [line, jupyter] = await Promise.all([
      engineLine(engine),
      startJupyter({ folder: mine, port, env: engine === undefined ? {} : { MQTT_LAB_ENGINE: engine } }),
    ]);
    console.log(line);
    const address = openAddress(jupyter, mine);
    console.log(`Open: ${address}`);
    console.log("Ctrl-C here ends JupyterLab and everything that its notebooks started.");
    if (!options["no-browser"]) openBrowser(address);
    const code = await Promise.race([jupyter.ended, stop.asked]);
    if (code !== "asked") return endedByItself(code);
    console.log("\nEnding JupyterLab and its kernels …");
    await jupyter.end();
    return 0;
  } catch (error) {
    printError(error);
    return error instanceof LabError && error.code === "BAD_ARGUMENT" ? 2 : 3;
  } finally {
    stop.forget();
  }
};

/** File > Shut Down in JupyterLab is an orderly end as well. */
function endedByItself(code: number | null): number {
  if (code === 0) {
    console.log("JupyterLab was shut down.");
    return 0;
  }
  console.error(`JupyterLab ended unexpectedly (exit code ${code ?? "none, by a signal"}).\nTry: npm start`);
  return 3;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new LabError("BAD_ARGUMENT", `--port ${text} is not a port (1 to 65535)`, "npm start -- --port 8890");
}

function openAddress(jupyter: Jupyter, mine: string): string {
  const first = readdirSync(mine)
    .filter((name) => name.endsWith(".ipynb"))
    .sort()[0];
  const path = first ? `lab/tree/${encodeURIComponent(first)}` : "lab";
  return `${jupyter.url}${path}?token=${jupyter.token}`;
}

/** A browser that can't be opened is no fault: the address is on the screen. */
function openBrowser(address: string): void {
  const commands: Partial<Record<NodeJS.Platform, [string, string[]]>> = {
    darwin: ["open", [address]],
    win32: ["cmd", ["/c", "start", '""', address.replaceAll("&", "^&")]],
  };
  const [command, args] = commands[process.platform] ?? ["xdg-open", [address]];
  const onLinux = command === "xdg-open";
  if (onLinux && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return;
  const child = spawn(command, args, { stdio: "ignore", detached: true, windowsHide: true });
  child.once("error", () => console.log("No browser could be opened from here: use the address above."));
  child.unref();
}

/** Resolves `asked` at the first of the signals that end a program; a second one ends it the hard way. */
function stopSignal(): { asked: Promise<"asked">; forget(): void } {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let count = 0;
  let ask: (value: "asked") => void = () => {};
  const asked = new Promise<"asked">((resolve) => {
    ask = resolve;
  });
  const handler = () => {
    count++;
    if (count > 2) process.exit(130);
    ask("asked");
  };
  for (const signal of signals) process.on(signal, handler);
  // npm hands a signal to the shell between us, which dies of SIGTERM without a word to us.
  const parent = process.ppid;
  const orphaned = setInterval(() => process.ppid !== parent && ask("asked"), 500);
  return {
    asked,
    forget() {
      clearInterval(orphaned);
      for (const signal of signals) process.off(signal, handler);
    },
  };
}
