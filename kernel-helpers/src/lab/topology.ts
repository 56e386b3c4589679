import { randomBytes } from "node:crypto";
import { type BridgeReading, readBridges } from "../brokers/bridges";
import { CONF_PATH } from "../brokers/plan";
import { PROBE_CLIENT } from "../core/log-book";
import type { LabClient } from "../mqtt/client";
import { openClient } from "../mqtt/client";
import type { TopologyData, TopologyEdge, TopologyNode } from "../views/topology";
import type { BridgeTap } from "./bridge-tap";
import type { Broker } from "./broker";

/** What a lab has open, and what stands on what: `on` names a broker or a tap. */
export type Piece =
  | { readonly kind: "broker"; readonly broker: Broker }
  | { readonly kind: "tap"; readonly on: string; readonly address: string | null }
  | { readonly kind: "client"; readonly name: string; readonly on: string | null; readonly client: LabClient };

export type Topology = Omit<TopologyData, "title">;

/** A retained state of `$SYS/broker/connection/<id>/state`, by id: 1 is connected. */
type States = ReadonlyMap<string, string>;

const STATE = /^\$SYS\/broker\/connection\/(.+)\/state$/;

/**
 * What really runs: the brokers, the bridges that their configurations name with the state that `$SYS` tells (where that
 * cannot be read, with what the log said last), and the clients of this lab.
 */
export async function topologyOf(pieces: ReadonlyMap<string, Piece>): Promise<Topology> {
  const all = [...pieces.values()];
  const brokers = all.flatMap((one) => (one.kind === "broker" ? [one.broker] : []));
  const seen = await Promise.all(brokers.map(async (broker) => ({ broker, ...(await ask(broker)) })));
  const nodes: TopologyNode[] = [];
  const edges: TopologyEdge[] = [];
  for (const { broker } of seen) nodes.push(brokerNode(broker));
  for (const { broker, bridges, states } of seen) {
    for (const bridge of bridges) {
      for (const address of bridge.addresses) {
        const to = at(address, brokers, pieces);
        const other = seen.find((one) => one.broker.name === to);
        if (!to) nodes.push({ id: address, kind: "service", detail: "outside of this lab" });
        const state = stateOf(broker, bridge, states, other?.states);
        const label = bridge.topics.join("\n");
        edges.push({ from: broker.name, to: to ?? address, kind: "bridge", state, label });
      }
    }
  }
  for (const one of all) {
    if (one.kind !== "client") continue;
    const { connected } = one.client.mqtt;
    nodes.push({ id: `client ${one.name}`, kind: "client", label: one.name, state: connected ? "up" : "down" });
    const on = one.on === null ? undefined : brokerBelow(one.on, pieces);
    if (on) edges.push({ from: `client ${one.name}`, to: on, state: connected ? "up" : "down" });
  }
  return { nodes: distinct(nodes), edges };
}

function brokerNode(broker: Broker): TopologyNode {
  const state = broker.state === "running" ? "up" : broker.state === "paused" ? "paused" : "down";
  return { id: broker.name, kind: "broker", state, detail: `mosquitto ${broker.version}` };
}

/** Its bridges, and the states that it knows. */
async function ask(broker: Broker): Promise<{ bridges: BridgeReading[]; states: States | null }> {
  const read = broker.inner.readFile(CONF_PATH).catch(() => null);
  const [conf, states] = await Promise.all([read, statesOf(broker)]);
  return { bridges: conf ? readBridges(new TextDecoder().decode(conf)) : [], states };
}

/** null where no client of ours gets in. */
async function statesOf(broker: Broker): Promise<States | null> {
  const listener = broker.inner.listeners.find((one) => one.protocol === "mqtt" && !one.tls);
  if (!listener || broker.state !== "running") return null;
  const clientId = `${PROBE_CLIENT}-${randomBytes(3).toString("hex")}`;
  const ending = broker.logs.probing();
  try {
    const client = await openClient(listener.url, { clientId, timeout: 2_000, protocolVersion: 4 });
    try {
      await client.mqtt.subscribeAsync("$SYS/broker/connection/+/state");
      // Stored messages come before the answer to the next request; a message of ours might cross a bridge.
      await client.mqtt.unsubscribeAsync("$SYS/broker/connection/+/state");
      return new Map(
        client.messages.flatMap(
          ({ topic, text }) =>
            STATE.exec(topic)
              ?.slice(1, 2)
              .map((id) => [id, text] as const) ?? [],
        ),
      );
    } finally {
      await client.close();
    }
  } catch {
    return null; // it lets no stranger in, or hangs: the log has to tell
  } finally {
    ending();
  }
}

/** The end that made the bridge knows it first; the other one's word counts where the first has none. */
function stateOf(broker: Broker, bridge: BridgeReading, near: States | null, far: States | null | undefined) {
  if (broker.state === "exited") return "down";
  const id = bridge.clientId;
  const said = id === null ? undefined : (near?.get(id) ?? far?.get(id));
  if (said !== undefined) return said === "1" ? "up" : "down";
  const own = id === null ? /Received CONNACK on connection|Client local\./ : new RegExp(`local\\.${escaped(id)}\\b`);
  const last = broker.logs.lines.filter(({ text }) => own.test(text)).at(-1)?.text ?? "";
  if (/Received CONNACK|Sending PINGREQ|Received (PINGRESP|SUBACK|PUBACK)/.test(last)) return "up";
  return /disconnect|closed|timeout|Error/i.test(last) ? "down" : "unknown";
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The broker that an address of a bridge means, also through a tap. */
function at(address: string, brokers: readonly Broker[], pieces: ReadonlyMap<string, Piece>): string | undefined {
  for (const broker of brokers) {
    if (broker.inner.listeners.some(({ port }) => broker.inner.addressFor(port) === address)) return broker.name;
  }
  for (const one of pieces.values()) {
    if (one.kind === "tap" && one.address === address) return brokerBelow(one.on, pieces);
  }
  return undefined;
}

function brokerBelow(key: string, pieces: ReadonlyMap<string, Piece>): string | undefined {
  const below = pieces.get(key);
  if (below?.kind === "broker") return below.broker.name;
  return below && below.kind === "tap" ? brokerBelow(below.on, pieces) : undefined;
}

const distinct = (nodes: readonly TopologyNode[]): TopologyNode[] =>
  nodes.filter((one, i) => nodes.findIndex((other) => other.id === one.id) === i);

/** A tap's address for brokers, where it has one. */
export const addressOf = (tap: object): string | null => ("addressFor" in tap ? (tap as BridgeTap).addressFor() : null);
