import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import { certificateTexts, type DockerAddress } from "./address";

/** What every container, network and volume of ours carries. */
export const LABEL = {
  session: "mqtt-notebooks.session",
  uid: "mqtt-notebooks.uid",
  boot: "mqtt-notebooks.boot",
  pid: "mqtt-notebooks.pid",
  started: "mqtt-notebooks.started",
  lab: "mqtt-notebooks.lab",
  name: "mqtt-notebooks.name",
  source: "mqtt-notebooks.source",
} as const;

/** A client of the engine at an address. Loads dockerode, which takes a while the first time. */
export function dockerAt(address: DockerAddress): Docker {
  const Client = require("dockerode") as typeof Docker;
  if (address.socketPath) return new Client({ socketPath: address.socketPath });
  const { host, port, protocol, username } = address;
  return new Client({ host, port, protocol, username, ...certificateTexts(address) });
}

interface ApiError {
  statusCode?: number;
  code?: string;
  message?: string;
}

/** The engine's HTTP status, where it answered at all. */
export const statusOf = (error: unknown): number | undefined => (error as ApiError)?.statusCode;

/** Whether the engine could not publish a port because somebody on its machine has it. */
export const isPortTaken = (error: unknown): boolean =>
  !(error instanceof LabError) &&
  /port is already allocated|address already in use|ports are not available/i.test((error as ApiError)?.message ?? "");

/** Turns what the engine's API threw into what a learner can act on. */
export function engineError(error: unknown, doing: string): unknown {
  if (error instanceof LabError) return error;
  const { code, message = String(error), statusCode } = error as ApiError;
  if (statusCode === undefined && /ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH/.test(code ?? "")) {
    return new LabError(
      "ENGINE_LOST",
      `the container engine went away while ${doing} (${code})`,
      "start the engine again, then run the notebook's first cell again",
      { cause: error },
    );
  }
  if (statusCode === 404 && /no such container/i.test(message)) {
    return new LabError(
      "NOT_IN_A_LAB",
      "the container was removed from outside the lab",
      "run the cell that starts it again",
      { cause: error },
    );
  }
  if (code === "EACCES") {
    return new LabError("ENGINE_FORBIDDEN", `this user may no longer use the engine's socket`, "log in again", {
      cause: error,
    });
  }
  if (/no space left on device/i.test(message)) {
    return new LabError("DISK_FULL", `the engine's disk is full: ${doing} failed`, "docker system df; npm run clean", {
      cause: error,
    });
  }
  if (/non-overlapping IPv4 address pool/i.test(message)) {
    return new LabError(
      "ENGINE_CANNOT",
      "the engine has no addresses left for another network",
      "close labs that you don't need, or: docker network prune",
      { cause: error },
    );
  }
  return error;
}

/** Calls the engine's API; its errors come out as `engineError` makes them. */
export async function call<T>(doing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw engineError(error, doing);
  }
}

/** Calls the API to end something; that it is gone already is as good. */
export async function callGone(doing: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const status = statusOf(error);
    // 409: another removal of the same thing is under way.
    if (status !== 404 && !(status === 409 && /already in progress/.test(String(error))))
      throw engineError(error, doing);
  }
}
