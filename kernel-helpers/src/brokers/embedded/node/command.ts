/**
 * The embedded broker as a command: a mosquitto with this machine's own files and ports. Not used by the labs; upstream's
 * broker tests run against it, and it is at hand for whoever wants to try a configuration.
 */
import { writeSync } from "node:fs";
import { Broker, type BrokerEnd, type BrokerSignalName } from "../core/broker";
import { FolderFiles } from "./folder-files";
import { builtFolder, programModule } from "./modules";
import { TcpNetwork } from "./tcp";

const SIGNALS: readonly BrokerSignalName[] = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** Milliseconds for the last packets to leave before the process does. */
const LAST_WORDS = 20;

function writeAll(fd: 1 | 2, text: string): void {
  for (let left = Buffer.from(`${text}\n`); left.length; ) {
    try {
      left = left.subarray(writeSync(fd, left));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return; // nobody reads any more
      if (code !== "EAGAIN") throw error; // a pipe that is full: its reader is slow
    }
  }
}

function leave({ code, signal }: BrokerEnd): void {
  setTimeout(() => process.exit(code ?? (signal === "SIGABRT" ? 134 : 139)), LAST_WORDS);
}

/**
 * Runs until the broker ends, and ends the process with its exit code.
 *
 * @param folder of the build: the one with TLS or the one without.
 */
export async function runCommandLine(args: readonly string[], folder = builtFolder()): Promise<void> {
  const broker = await Broker.start({
    module: await programModule("mosquitto", folder),
    files: new FolderFiles([{ at: "/", folder: "/" }]),
    network: new TcpNetwork(),
    args,
    env: process.env as Record<string, string>,
    folder: process.cwd(),
    line: (text, fd) => writeAll(fd, text),
    ended: leave,
  });
  for (const name of SIGNALS) process.on(name, () => broker.signal(name));
}
