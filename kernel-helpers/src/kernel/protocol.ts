import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** A connection file, as Jupyter's clients write it for a kernel. */
export interface ConnectionInfo {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly signature_scheme: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
}

/** The header of every Jupyter message. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

export type Content = Record<string, unknown>;

/** A message as it came from a socket; `identities` are the routing frames before the delimiter. */
export interface Message {
  readonly identities: Uint8Array[];
  readonly header: Header;
  readonly parent: Partial<Header>;
  readonly metadata: Content;
  readonly content: Content;
}

/** The version of the messaging protocol that the kernel and the client speak. */
export const PROTOCOL_VERSION = "5.3";

/** In the metadata of a stream message: it tells an error that no cell caught, { ename, evalue }. */
export const LATE_ERROR = "mqtt-notebooks/late-error";

const DELIMITER = Buffer.from("<IDS|MSG>");

/** A header with a fresh id and the time of now. */
export const newHeader = (type: string, session: string, username = "kernel"): Header => ({
  msg_id: randomUUID(),
  msg_type: type,
  session,
  username,
  date: new Date().toISOString(),
  version: PROTOCOL_VERSION,
});

/** What is needed to send a message; `json` is its content, already serialised. */
export interface Outgoing {
  readonly identities?: readonly Uint8Array[];
  readonly header: Header;
  readonly parent?: Partial<Header>;
  readonly metadata?: Content;
  readonly json: string;
}

/** The frames of a message: identities, delimiter, signature, header, parent, metadata, content. */
export function encode(key: string, message: Outgoing): (Uint8Array | string)[] {
  const parts = [
    JSON.stringify(message.header),
    JSON.stringify(message.parent ?? {}),
    JSON.stringify(message.metadata ?? {}),
    message.json,
  ];
  return [...(message.identities ?? []), DELIMITER, sign(key, parts), ...parts];
}

/**
 * Reads a message's frames.
 * @throws Error for frames without delimiter, with a wrong signature, or that aren't JSON: the caller drops them.
 */
export function decode(key: string, frames: readonly Uint8Array[]): Message {
  const at = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (at < 0 || frames.length < at + 6) throw new Error("not a Jupyter message: frames are missing");
  const parts = frames.slice(at + 2);
  if (key !== "") {
    const given = Buffer.from(frames[at + 1]!);
    const wanted = Buffer.from(sign(key, parts));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new Error("a Jupyter message with a wrong signature");
    }
  }
  const [header, parent, metadata, content] = parts.slice(0, 4).map((part) => JSON.parse(Buffer.from(part).toString()));
  return { identities: frames.slice(0, at), header, parent, metadata, content };
}

/** HMAC-SHA256 in hexadecimal over the parts; no key means messages aren't signed. */
function sign(key: string, parts: readonly (Uint8Array | string)[]): string {
  if (key === "") return "";
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** Checks a connection file's text. @throws Error that says what is wrong with it. */
export function parseConnection(text: string): ConnectionInfo {
  const info = JSON.parse(text) as ConnectionInfo;
  if (info.key && info.signature_scheme !== "hmac-sha256") {
    throw new Error(`the connection file asks for signatures by ${info.signature_scheme}; only hmac-sha256 is known`);
  }
  for (const port of ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const) {
    if (!Number.isInteger(info[port])) throw new Error(`the connection file has no ${port}`);
  }
  return info;
}

/** The address of one of the kernel's sockets. For `ipc` the port is a file's ending. */
export const address = (info: ConnectionInfo, port: number): string =>
  `${info.transport}://${info.ip}${info.transport === "ipc" ? "-" : ":"}${port}`;
