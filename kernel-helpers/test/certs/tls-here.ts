import { engines } from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";

/** Why this engine has no TLS here; "" where it has. */
export async function whyNoTls(engine: EngineKind): Promise<string> {
  const probe = (await engines()).find((one) => one.kind === engine);
  if (probe?.available && probe.can.has("tls")) return "";
  return `no TLS on ${engine} here: ${probe?.available ? "not built" : probe?.summary}`;
}
