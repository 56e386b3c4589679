/** A Mosquitto release that the course runs: the reference, the graded floor, and the oldest that still runs. */
export type MosquittoRelease = "2.1" | "2.0.21" | "2.0.11";

/** What a file that a broker finds in /mosquitto looks like. Text and bytes are short for `{ content }`. */
export type BrokerFile = string | Uint8Array | { content: string | Uint8Array; mode?: number };

/** What a cell asks for when it starts a broker. Everything has a default but the configuration's meaning. */
export interface BrokerSpec {
  /** Its name in the lab and on the lab's network. Default "broker". The same name again replaces the old one. */
  name?: string;
  /** The text of mosquitto.conf. Without it Mosquitto starts with no configuration file: local only mode. */
  conf?: string;
  /** Files below /mosquitto/config, by relative path ("passwd", "acl", "certs/ca.crt"). */
  files?: Record<string, BrokerFile>;
  /** Keeps /mosquitto/data under this name when the broker is replaced; without it the data goes with the broker. */
  volume?: string;
  /** Mosquitto's release, on engines that have several. Default "2.1". */
  mosquitto?: MosquittoRelease;
  /** Environment variables of the broker's process. */
  env?: Record<string, string>;
  /**
   * "connack" (default): every listener answers a CONNECT, whatever the reason code.
   * "running": the program runs; nothing is said of its listeners. For configurations that are wrong on purpose.
   */
  ready?: "connack" | "running";
  /** Milliseconds to wait for readiness. Default 15,000. */
  timeout?: number;
}
