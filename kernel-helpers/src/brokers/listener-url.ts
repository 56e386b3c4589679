import type { Listener } from "./engine";

const SCHEMES = { mqtt: ["mqtt", "mqtts"], websockets: ["ws", "wss"], http_api: ["http", "https"] } as const;

/** The address that a client writes: "mqtt://127.0.0.1:21883". */
export function listenerUrl({ protocol, tls, host, hostPort }: Omit<Listener, "url">): string {
  return `${SCHEMES[protocol][tls ? 1 : 0]}://${host.includes(":") ? `[${host}]` : host}:${hostPort}`;
}
