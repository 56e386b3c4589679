import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { until } from "kernel-helpers/dist/core/until";

const PROGRAM = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
  .map((folder) => join(folder, "mosquitto"))
  .find((path) => existsSync(path));

/** Why tests with a real broker cannot run here, or false. */
export const noMosquitto: string | false = PROGRAM ? false : "no mosquitto on this machine";

export interface TestBroker {
  readonly port: number;
  readonly webPort: number;
  readonly url: string;
  log(): string;
  freeze(): void;
  stop(): Promise<void>;
}

/** A Mosquitto of this machine on a free port. `conf` comes behind the listener. */
export async function mosquitto(conf = "allow_anonymous true"): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), "mqtt-test-"));
  await chmod(folder, 0o755);
  const [port, webPort] = [await freePort(), await freePort()];
  const file = join(folder, "mosquitto.conf");
  const web = `listener ${webPort} 127.0.0.1\nprotocol websockets\n`;
  await writeFile(file, `log_type all\nlistener ${port} 127.0.0.1\n${web}${conf.replaceAll("FOLDER", folder)}\n`);
  const child = spawn(PROGRAM!, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until("mosquitto listens", () => child.exitCode !== null || accepts(webPort));
    if (child.exitCode !== null) throw new Error(`mosquitto ended at once:\n${log}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    webPort,
    url: `mqtt://127.0.0.1:${port}`,
    log: () => log,
    freeze: () => void child.kill("SIGSTOP"),
    stop,
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
