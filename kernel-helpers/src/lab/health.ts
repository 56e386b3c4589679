import { connect } from "node:net";
import type { EngineBroker, Listener } from "../brokers/engine";
import { probeConnect } from "../brokers/probe";
import { explainReasonCode } from "../mqtt/explain";
import type { Hop } from "../views/ladder";

/** What a client on this machine meets: the last hop in one word. */
export type Reach = "accepted" | "refused" | "closed" | "unreachable";

export interface Health {
  readonly broker: string;
  readonly hops: readonly Hop[];
  readonly outcome: Reach;
}

/** How long a hop may take before it counts as failed, in milliseconds. */
const PATIENCE = 3_000;

/**
 * Walks from the broker's process to a CONNACK and says where the way ends.
 * @param port the port in the configuration; default the first MQTT listener, else 1883.
 */
export async function checkHealth(broker: EngineBroker, port?: number): Promise<Health> {
  const listener = broker.listeners.find((one) => (port === undefined ? one.protocol === "mqtt" : one.port === port));
  const running = broker.state === "running";
  const hops: Hop[] = [program(broker), container(broker)];
  if (!running || !listener) {
    const why = running ? `the configuration opens no MQTT listener${port ? ` on ${port}` : ""}` : "";
    const first: Hop = { name: "port", state: running ? "failed" : "not reached", evidence: why };
    return { broker: broker.name, hops: [...hops, first, unreached("TCP"), unreached("MQTT")], outcome: "unreachable" };
  }
  const met = await knock(listener);
  return {
    broker: broker.name,
    hops: [...hops, portMap(broker, listener), tcp(listener, met), mqtt(met)],
    outcome: met.reach,
  };
}

function program(broker: EngineBroker): Hop {
  const state = broker.state === "running" ? "ok" : "failed";
  const evidence = {
    running: `mosquitto ${broker.version} runs`,
    paused: "the process is frozen: it holds its connections and answers nobody",
    exited: `the process has ended${broker.lastExit ? ` (${broker.lastExit.signal ?? `exit code ${broker.lastExit.code}`})` : ""}`,
  }[broker.state];
  return { name: "process", state, evidence };
}

function container(broker: EngineBroker): Hop {
  if (broker.engine !== "docker") {
    const where = broker.engine === "embedded" ? "runs inside this notebook's kernel" : "is a process of this machine";
    return { name: "container", state: "not applicable", evidence: `none: the broker ${where}` };
  }
  const up = broker.state === "running";
  return {
    name: "container",
    state: up ? "ok" : "failed",
    evidence: up ? "the container is up, with a network of its own" : `the container is ${broker.state}`,
  };
}

function portMap(broker: EngineBroker, listener: Listener): Hop {
  const here = `${listener.host}:${listener.hostPort}`;
  const evidence =
    broker.engine === "docker"
      ? `${here} is published and leads to port ${listener.port} inside`
      : `port ${listener.port} of the configuration is ${here} here`;
  return { name: "port", state: "ok", evidence };
}

function tcp(listener: Listener, met: Met): Hop {
  const there = `${listener.host}:${listener.hostPort}`;
  if (met.reach === "unreachable") return { name: "TCP", state: "failed", evidence: `${there}: ${met.detail}` };
  return { name: "TCP", state: "ok", evidence: `${there} accepts the connection` };
}

function mqtt(met: Met): Hop {
  if (met.reach === "unreachable") return unreached("MQTT");
  return { name: "MQTT", state: met.reach === "accepted" ? "ok" : "failed", evidence: met.detail };
}

const unreached = (name: string): Hop => ({ name, state: "not reached", evidence: "not reached" });

interface Met {
  readonly reach: Reach;
  readonly detail: string;
}

/** Connects, sends a CONNECT and takes the first four bytes that come back. */
function knock(listener: Listener): Promise<Met> {
  return new Promise((resolve) => {
    let connected = false;
    let received = Buffer.alloc(0);
    const socket = connect({ host: listener.host, port: listener.hostPort });
    const done = (met: Met) => {
      socket.destroy();
      resolve(met);
    };
    socket.setTimeout(PATIENCE, () =>
      done(
        connected
          ? { reach: "closed", detail: `no answer to CONNECT within ${PATIENCE / 1000} s` }
          : { reach: "unreachable", detail: `no answer within ${PATIENCE / 1000} s` },
      ),
    );
    socket.on("connect", () => {
      connected = true;
      socket.write(probeConnect());
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      if (received[0] !== 0x20) return done({ reach: "closed", detail: "what came back is not MQTT" });
      const code = received[3]!;
      const word = `CONNACK, return code 0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
      done(
        code === 0
          ? { reach: "accepted", detail: `${word}: accepted` }
          : { reach: "refused", detail: `${word}: ${explainReasonCode(code, "CONNACK", 4).name}` },
      );
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      done(
        connected
          ? { reach: "closed", detail: `the connection was reset without a packet (${error.code})` }
          : { reach: "unreachable", detail: `${error.code ?? error.message}` },
      ),
    );
    socket.on("close", () => done({ reach: "closed", detail: "the connection was closed without a packet" }));
  });
}
