import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { LabError } from "../core/errors";
import { portOwner } from "./port-owner";

/**
 * Host ports come from below the range that systems give to outgoing connections (Linux: 32,768 and up): so nobody is
 * handed a broker's port while the broker is down for a restart.
 */
const FIRST = 20_000;
const LAST = 31_999;

const taken = new Set<number>();

/** A port that is free on this address now and that this process has not been given before. */
export async function freePort(host: string): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomPort();
    if (taken.has(port)) continue;
    taken.add(port);
    if (await canListen(host, port)) return port;
  }
  throw new LabError("PORT_TAKEN", `no free port was found on ${host}`, "close other labs, or restart the machine");
}

/** A port of the range that nobody here has asked for; whether it is free only the other machine knows. */
export function randomPort(): number {
  return randomInt(FIRST, LAST + 1);
}

/** Gives a port back once nothing of ours will listen there again. */
export function returnPort(port: number): void {
  taken.delete(port);
}

/** A broker's port of this machine (not one of the configuration's) is another program's. */
export class HostPortTaken extends LabError {
  constructor(port: number, reason: string) {
    const owner = portOwner(port);
    super(
      "PORT_TAKEN",
      `${owner ?? "another program on this machine"} has taken a port of this broker (${port}): ${reason}`,
      `end ${owner ?? "that program"}, or run the cell that makes the broker again: it takes other ports`,
    );
  }
}

/** Whether this process could listen there now. */
export function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.unref();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
