/** Everything a cell may import. What is not named here is not part of the course's interface. */
import type { EngineProbe } from "./brokers/engine";

export type { BrokerFile, BrokerSpec, MosquittoRelease } from "./brokers/spec";
export type { Authority, Certificate, CertificateFault, CertificateOptions } from "./certs/authority";
export { LabError, type LabErrorCode } from "./core/errors";
export { until } from "./core/until";
export { Lab, type LabOptions, openLab } from "./lab";
export type { BridgeTap } from "./lab/bridge-tap";
export { Broker } from "./lab/broker";
export type { Health } from "./lab/health";
export type { LabClient, LabClientOptions, Message } from "./mqtt/client";
export { decodePackets, encodePacket } from "./mqtt/codec";
export { explainPacket, explainReasonCode } from "./mqtt/explain";
export type { Packet } from "./mqtt/packet";
export type { RawClient } from "./mqtt/raw";
export type { PacketRecord, Tap, TlsRecord } from "./mqtt/tap";
export * from "./show";

/** What each engine on this machine says of itself: available or not, which Mosquitto releases, and why not. */
export async function engines(): Promise<EngineProbe[]> {
  const { engines: ask } = await import("./brokers/select");
  return ask();
}
