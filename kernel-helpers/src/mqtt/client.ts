import { randomBytes } from "node:crypto";
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";
import { LabError } from "../core/errors";
import { explainReasonCode } from "./explain";

/** A PUBLISH as a subscriber received it. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  /** RETAIN as it arrived: 1 for stored messages, 0 for live ones unless Retain As Published [MQTT-3.3.1-12]. */
  readonly retain: boolean;
  readonly dup: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** MQTT.js's own options, and two of the course's. The default is MQTT 5, no reconnecting, a readable client id. */
export interface LabClientOptions extends IClientOptions {
  /** Milliseconds to wait for the CONNACK. Default 5,000. */
  timeout?: number;
}

/** What a message has to be: an exact topic, or a test. */
export type MessageFilter = string | ((message: Message) => boolean);

/** A connected MQTT.js client that forgets nothing it receives. `mqtt` is MQTT.js's own client, untouched. */
export interface LabClient {
  readonly clientId: string;
  readonly mqtt: MqttClient;
  /** The CONNACK of the last connection, as MQTT.js decoded it. */
  readonly connack: {
    readonly sessionPresent: boolean;
    readonly reasonCode: number;
    readonly properties: Readonly<Record<string, unknown>>;
  };
  /** Everything received so far, in order. */
  readonly messages: readonly Message[];
  /** Acknowledgements received (PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK) with their reason codes: MQTT.js's promises hide them. */
  readonly acks: readonly { readonly type: string; readonly id: number; readonly codes: readonly number[] }[];
  /**
   * The next message that no earlier `next` or `collect` has taken.
   * @throws LabError TIMEOUT, which says what came instead.
   */
  next(filter?: MessageFilter, options?: { timeout?: number }): Promise<Message>;
  /** The next `count` messages. @throws LabError TIMEOUT with how many came. */
  collect(count: number, options?: { timeout?: number; filter?: MessageFilter }): Promise<Message[]>;
  /**
   * Resolves when everything that the broker had for this client by now has arrived: a message of its own went out
   * and came back behind it on the same connection, which keeps the order [MQTT-4.6.0-6].
   */
  settled(options?: { timeout?: number }): Promise<void>;
  /** Settles, then makes sure that no untaken message fits. @throws LabError TIMEOUT naming what came. */
  silence(filter?: MessageFilter): Promise<void>;
  /** How the connection ended; resolves when it has. `reasonCode` is that of the broker's DISCONNECT, if it sent one. */
  readonly closed: Promise<{ readonly reasonCode?: number }>;
  /** DISCONNECT, then the socket. Bounded, and safe to call twice. */
  close(): Promise<void>;
  /** Destroys the socket without a DISCONNECT, as a crash does: the broker publishes the will [MQTT-3.1.2-8]. */
  cut(): void;
}

/**
 * Connects an MQTT.js client. Its `message` listener is attached before CONNECT goes out, so messages of a resumed
 * session cannot slip through.
 * @throws LabError CONNECT_REFUSED with the reason code, CONNECT_FAILED when no CONNACK came.
 */
export async function openClient(target: string | { url: string }, options: LabClientOptions = {}): Promise<LabClient> {
  const url = typeof target === "string" ? target : target.url;
  const { connect } = await import("mqtt");
  const { timeout = 5_000, ...own } = options;
  const settings: IClientOptions = {
    protocolVersion: 5,
    reconnectPeriod: 0,
    clientId: `client-${randomBytes(3).toString("hex")}`,
    connectTimeout: timeout,
    ...own,
    // MQTT 3.1 has another protocol name; MQTT.js leaves it to its user.
    ...(own.protocolVersion === 3 && !own.protocolId ? { protocolId: "MQIsdp" } : {}),
  };
  const mqtt = connect(url, { ...settings, manualConnect: true });
  const client = new Client(mqtt, settings.clientId ?? "");
  mqtt.connect();
  await client.connected(url, timeout);
  return client;
}

class Client implements LabClient {
  readonly mqtt: MqttClient;
  readonly messages: Message[] = [];
  readonly acks: { type: string; id: number; codes: number[] }[] = [];
  readonly closed: Promise<{ reasonCode?: number }>;
  connack: LabClient["connack"] = { sessionPresent: false, reasonCode: 0, properties: {} };
  readonly #asked: string;
  readonly #taken = new Set<Message>();
  readonly #wake = new Set<() => void>();
  #barriers = new Map<string, () => void>();
  #lastError: Error | undefined;
  #disconnect: number | undefined;

  constructor(mqtt: MqttClient, clientId: string) {
    this.mqtt = mqtt;
    this.#asked = clientId;
    mqtt.on("message", (topic, payload, packet) => this.#receive(topic, payload, packet));
    mqtt.on("packetreceive", (packet) => this.#note(packet as unknown as Record<string, unknown>));
    mqtt.on("error", (error) => {
      this.#lastError = error as Error;
      this.#notify();
    });
    this.closed = new Promise((resolve) => {
      mqtt.on("close", () => {
        this.#notify();
        if (!mqtt.options.reconnectPeriod || mqtt.disconnecting) resolve({ reasonCode: this.#disconnect });
      });
    });
    // MQTT.js leaves Nagle's algorithm on: with delayed acknowledgements a QoS 2 exchange can then stall for 40 ms.
    mqtt.on("connect", () => (mqtt.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true));
  }

  get clientId(): string {
    const given = this.connack.properties.assignedClientIdentifier;
    return this.#asked || (typeof given === "string" ? given : "");
  }

  /** Waits for the CONNACK, or says why none came. */
  connected(url: string, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error & { code?: unknown }) => {
        clearTimeout(timer);
        this.mqtt.end(true);
        reject(
          typeof error.code === "number" && error.code > 0
            ? refused(url, error.code, this.mqtt.options.protocolVersion ?? 5, error)
            : failed(url, error),
        );
      };
      const timer = setTimeout(() => fail(new Error(`no CONNACK within ${timeout} ms`)), timeout);
      this.mqtt.once("connect", () => {
        clearTimeout(timer);
        this.mqtt.off("error", fail);
        this.mqtt.off("close", gone);
        resolve();
      });
      const gone = () => fail(this.#lastError ?? new Error("the connection was closed without a CONNACK"));
      this.mqtt.once("error", fail);
      this.mqtt.once("close", gone);
    });
  }

  async next(filter?: MessageFilter, options: { timeout?: number } = {}): Promise<Message> {
    const [message] = await this.collect(1, { ...options, filter });
    return message!;
  }

  async collect(count: number, options: { timeout?: number; filter?: MessageFilter } = {}): Promise<Message[]> {
    const timeout = options.timeout ?? 5_000;
    const deadline = Date.now() + timeout;
    for (;;) {
      const fitting = this.#untaken(options.filter).slice(0, count);
      if (fitting.length === count) {
        for (const message of fitting) this.#taken.add(message);
        return fitting;
      }
      const left = deadline - Date.now();
      if (left <= 0 || !this.#alive()) throw this.#missing(count, fitting.length, options.filter, timeout);
      await this.#change(left);
    }
  }

  async settled(options: { timeout?: number } = {}): Promise<void> {
    const topic = `mqtt-notebooks/settled/${randomBytes(6).toString("hex")}`;
    const timeout = options.timeout ?? 5_000;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new LabError(
              "TIMEOUT",
              `a message of ${this.clientId}'s own did not come back within ${timeout} ms`,
              "is the client connected, and may it write and read mqtt-notebooks/settled/#?",
            ),
          ),
        timeout,
      );
    });
    try {
      await Promise.race([late, this.#roundTrip(topic)]);
    } finally {
      clearTimeout(timer);
      this.#barriers.delete(topic);
    }
  }

  async silence(filter?: MessageFilter): Promise<void> {
    await this.settled();
    const came = this.#untaken(filter);
    if (came.length) {
      throw new LabError(
        "TIMEOUT",
        `${this.clientId} should have received nothing${wanted(filter)}, and got ${listing(came)}`,
        "look at which subscription matches that topic",
      );
    }
  }

  async close(): Promise<void> {
    if (this.mqtt.connected && !this.mqtt.disconnecting) {
      const bound = new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref());
      await Promise.race([this.mqtt.endAsync().catch(() => undefined), bound]);
    }
    this.mqtt.end(true);
    this.#notify();
  }

  cut(): void {
    this.mqtt.options.reconnectPeriod = 0;
    this.mqtt.stream.destroy();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" }[this.mqtt.options.protocolVersion ?? 5];
    const state = this.mqtt.connected ? "connected" : "not connected";
    return `client ${this.clientId}: MQTT ${version} · ${state} · ${this.messages.length} message${this.messages.length === 1 ? "" : "s"} received`;
  }

  async #roundTrip(topic: string): Promise<void> {
    const back = new Promise<void>((resolve) => this.#barriers.set(topic, resolve));
    await this.mqtt.subscribeAsync(topic, { qos: 1 });
    await this.mqtt.publishAsync(topic, "", { qos: 1 });
    await back;
    await this.mqtt.unsubscribeAsync(topic);
  }

  #receive(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const barrier = this.#barriers.get(topic);
    if (barrier) {
      barrier();
      return;
    }
    const { qos, retain, dup, properties = {} } = packet;
    this.messages.push({
      topic,
      payload,
      text: payload.toString("utf8"),
      qos,
      retain,
      dup,
      properties: { ...properties },
      at: Date.now(),
    });
    this.#notify();
  }

  #note(packet: Record<string, unknown>): void {
    const type = String(packet.cmd);
    if (type === "connack") {
      this.connack = {
        sessionPresent: packet.sessionPresent === true,
        reasonCode: Number(packet.reasonCode ?? packet.returnCode ?? 0),
        properties: { ...((packet.properties as object | undefined) ?? {}) },
      };
    } else if (type === "disconnect") {
      this.#disconnect = Number(packet.reasonCode ?? 0);
    } else if (/^(pub(ack|rec|comp)|(un)?suback)$/.test(type)) {
      const codes = Array.isArray(packet.granted) ? packet.granted.map(Number) : [Number(packet.reasonCode ?? 0)];
      this.acks.push({ type: type.toUpperCase(), id: Number(packet.messageId), codes });
    }
  }

  #untaken(filter?: MessageFilter): Message[] {
    const fits = typeof filter === "string" ? (message: Message) => message.topic === filter : (filter ?? (() => true));
    return this.messages.filter((message) => !this.#taken.has(message) && fits(message));
  }

  #alive(): boolean {
    return this.mqtt.connected || this.mqtt.reconnecting;
  }

  #missing(count: number, came: number, filter: MessageFilter | undefined, timeout: number): LabError {
    const end = this.#alive()
      ? `within ${timeout} ms`
      : `before the connection ended${this.#disconnect === undefined ? "" : ` (${hex(this.#disconnect)} ${explainReasonCode(this.#disconnect, "DISCONNECT", 5).name})`}`;
    const others = this.#untaken().length ? `; there was ${listing(this.#untaken())}` : "";
    return new LabError(
      "TIMEOUT",
      `${this.clientId} awaited ${count === 1 ? "a message" : `${count} messages`}${wanted(filter)} and got ${came || "none"} ${end}${others}`,
      "was the subscription granted before the publish, and does its filter match the topic?",
    );
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wake.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wake.add(wake);
    });
  }

  #notify(): void {
    for (const wake of [...this.#wake]) wake();
  }
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
const wanted = (filter?: MessageFilter): string =>
  typeof filter === "string" ? ` on ${filter}` : filter ? " of that kind" : "";

function listing(messages: readonly Message[]): string {
  const shown = messages.slice(0, 3).map((message) => `${message.topic} ${JSON.stringify(message.text.slice(0, 40))}`);
  return `${shown.join(", ")}${messages.length > 3 ? ` and ${messages.length - 3} more` : ""}`;
}

function refused(url: string, code: number, version: number, cause: Error): LabError {
  const reason = explainReasonCode(code, "CONNACK", version as 3 | 4 | 5);
  return new LabError(
    "CONNECT_REFUSED",
    `${url} answered CONNECT with ${hex(code)}, ${reason.name}`,
    reason.tryNext || "read the broker's log: it says why",
    { cause },
  );
}

function failed(url: string, cause: Error & { code?: unknown }): LabError {
  const detail = cause.message || String(cause.code ?? "the connection failed");
  return new LabError(
    "CONNECT_FAILED",
    `no CONNACK from ${url}: ${detail}`,
    "is the broker running, and is this one of its listeners? `lab.health(broker)` walks the way hop by hop",
    { cause },
  );
}
