/** Reads the bridges of a configuration, as far as a picture needs them. Pure; what is wrong is for Mosquitto to say. */
import { confLines } from "./mosquitto-conf";

export interface BridgeReading {
  /** The word after `connection`. */
  readonly name: string;
  /** "host:port", in order; without a port 1883. */
  readonly addresses: readonly string[];
  /** The id by which the other broker knows it, and which names its state topic; null = Mosquitto makes one. */
  readonly clientId: string | null;
  /** What stands after `topic`, one each. */
  readonly topics: readonly string[];
}

export function readBridges(conf: string | null): BridgeReading[] {
  const found: { name: string; addresses: string[]; clientId: string | null; topics: string[] }[] = [];
  for (const { key, value } of confLines(conf ?? "")) {
    const bridge = found.at(-1);
    if (key === "connection") found.push({ name: value, addresses: [], clientId: null, topics: [] });
    else if (key === "listener") continue;
    else if (!bridge) continue;
    else if (key === "address" || key === "addresses") bridge.addresses.push(...value.split(/ +/).map(withPort));
    else if (key === "remote_clientid" || key === "clientid") bridge.clientId = value;
    else if (key === "topic") bridge.topics.push(value.replace(/\s+/g, " "));
  }
  return found;
}

const withPort = (address: string): string => (/:\d+$/.test(address) ? address : `${address}:1883`);
