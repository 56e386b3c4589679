/** What packets and reason codes mean, in sentences, with the statements of the specification. Page-safe. */
import { explainBody } from "./explain-body";
import type { Direction, Packet, PacketType, ProtocolVersion } from "./packet";
import { explainReasonCode, type ReasonCode } from "./reason-codes";

export { explainReasonCode, REASON_CODES, type ReasonCode, reasonText } from "./reason-codes";

export interface ExplainOptions {
  /** What the connection speaks. Default: that of a CONNECT, else what the packet's own fields show, else 5. */
  readonly protocolVersion?: ProtocolVersion;
  readonly direction?: Direction;
}

/** A packet, or a record of the tap that holds one. */
export type Explained = Packet | ({ readonly packet: Packet } & ExplainOptions);

/**
 * What a packet says, sentence by sentence: the flags that matter, what the other side has to do, and where the
 * specification says so.
 */
export function explainPacket(given: Explained, options: ExplainOptions = {}): string[] {
  const packet = "packet" in given ? given.packet : given;
  const told = "packet" in given ? { ...given, ...options } : options;
  const version = told.protocolVersion ?? guessVersion(packet);
  const said = packet.type === "MALFORMED" ? [] : explainBody(packet, version, told.direction);
  return packet.problem ? [...said, problem(packet)] : said;
}

/** A packet's reason code by name ("Not authorized"), of the first refusal where it carries several. */
export function reasonOf(packet: Packet, protocolVersion?: ProtocolVersion): ReasonCode | undefined {
  const version = protocolVersion ?? guessVersion(packet);
  const codes = packet.reasonCodes;
  const code = packet.reasonCode ?? packet.returnCode ?? codes?.find((one) => one >= 0x80) ?? codes?.[0];
  if (code === undefined) return undefined;
  return explainReasonCode(
    code,
    packet.type as PacketType,
    packet.returnCode !== undefined && code < 0x80 ? 4 : version,
  );
}

function problem(packet: Packet): string {
  const clause = packet.clause ? ` ${packet.clause}` : "";
  if (packet.type !== "MALFORMED") return `Not as it should be: ${packet.problem}${clause}.`;
  if (!packet.clause) return `No packet could be read here: ${packet.problem}.`;
  const close = packet.clause === "[MQTT-4.13.1-1]" ? "" : " [MQTT-4.13.1-1]";
  return `These bytes are no packet: ${packet.problem}${clause}. Whoever receives them has to close the connection${close}.`;
}

function guessVersion(packet: Packet): ProtocolVersion {
  if (packet.protocolVersion === 3 || packet.protocolVersion === 4) return packet.protocolVersion;
  return packet.returnCode !== undefined || packet.cleanSession !== undefined ? 4 : 5;
}
