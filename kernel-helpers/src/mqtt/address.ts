import { LabError } from "../core/errors";

/** What can be reached by TCP: a URL, something that has one (a broker, a tap, a listener), or host and port. */
export type TcpTarget = string | { readonly url: string } | { readonly host: string; readonly port: number };

export interface Address {
  readonly scheme: "mqtt" | "mqtts" | "ws" | "wss";
  readonly host: string;
  readonly port: number;
  /** Of a WebSocket URL: "/mqtt". */
  readonly path: string;
}

const PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;
const OTHER_NAMES: Readonly<Record<string, Address["scheme"]>> = { tcp: "mqtt", tls: "mqtts", ssl: "mqtts" };

/** @throws LabError BAD_ARGUMENT for what is no address. */
export function addressOf(target: TcpTarget): Address {
  if (typeof target === "object" && target !== null && !("url" in target)) {
    const { host, port } = target;
    if (typeof host === "string" && Number.isInteger(port) && port > 0 && port < 65_536) {
      return { scheme: "mqtt", host, port, path: "/" };
    }
    throw noAddress(`${host}:${port}`);
  }
  const text = typeof target === "string" ? target : target?.url;
  if (typeof text !== "string" || !URL.canParse(text)) throw noAddress(String(text));
  const url = new URL(text);
  const name = url.protocol.slice(0, -1);
  const scheme = OTHER_NAMES[name] ?? (name as Address["scheme"]);
  if (!(scheme in PORTS) || !url.hostname) throw noAddress(text);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { scheme, host, port: Number(url.port) || PORTS[scheme], path: `${url.pathname}${url.search}` };
}

const noAddress = (text: string) =>
  new LabError(
    "BAD_ARGUMENT",
    `${text.slice(0, 100)} is no address`,
    "give a broker, a tap, or a URL such as mqtt://127.0.0.1:1883",
  );
