import { randomBytes } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";
import { LabError } from "../core/errors";
import { addressOf } from "./address";
import { type CollectOptions, type Complete, Inbox, listing, type Message, type MessageFilter, wanted } from "./inbox";
import { explainReasonCode, reasonText } from "./reason-codes";
import { explainTlsError } from "./tls-errors";

export type { CollectOptions, Complete, Message, MessageFilter } from "./inbox";

/** MQTT.js's own options, and one of the course's. The default is MQTT 5, no reconnecting, a readable client id. */
export interface LabClientOptions extends IClientOptions, TlsWords {
  /** Milliseconds to wait for the CONNACK. Default 5,000. */
  timeout?: number;
}

/** Words of Node's TLS that MQTT.js hands on, and doesn't declare. */
type TlsWords = Pick<ConnectionOptions, "servername" | "minVersion" | "maxVersion" | "session" | "ciphers">;

/** An acknowledgement: its type in capitals, the packet identifier it answers, and its reason codes. */
export interface Ack {
  readonly type: string;
  readonly id: number;
  readonly codes: readonly number[];
}

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
  /**
   * Acknowledgements received (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK) with their reason codes: the promises
   * of MQTT.js resolve with the packet that was sent, not with its answer.
   */
  readonly acks: readonly Ack[];
  /**
   * The next message that no earlier `next` or `collect` has taken.
   * @throws LabError TIMEOUT, which says what came instead.
   */
  next(filter?: MessageFilter, options?: { timeout?: number }): Promise<Message>;
  /**
   * The next messages: so many, or up to and with the one that `until` names.
   * @throws LabError TIMEOUT with how many came.
   */
  collect(complete: Complete, options?: CollectOptions): Promise<Message[]>;
  /**
   * Resolves when everything that the broker had for this client by now has arrived: a QoS 1 message of its own went
   * out and came back behind it on the same connection. What another client sent at QoS 0 may not have reached the
   * broker yet: let that client settle first.
   * @throws LabError TIMEOUT.
   */
  settled(options?: { timeout?: number }): Promise<void>;
  /** Settles, then makes sure that no untaken message fits. @throws LabError TIMEOUT naming what came. */
  silence(filter?: MessageFilter, options?: { timeout?: number }): Promise<void>;
  /** How the connection ended; resolves when it has. `reasonCode` is that of the broker's DISCONNECT, if it sent one. */
  readonly closed: Promise<{ readonly reasonCode?: number }>;
  /** DISCONNECT, then the socket. Bounded, and safe to call twice. Promises that still wait for an answer reject. */
  close(): Promise<void>;
  /** Destroys the socket without a DISCONNECT, as a crash does: the broker publishes the will [MQTT-3.1.2-8]. */
  cut(): void;
}

/**
 * Connects an MQTT.js client. Its `message` listener is attached before CONNECT goes out, so messages of a resumed
 * session cannot slip through. When the connection of a client that doesn't reconnect ends, promises that wait for an
 * answer reject with "Connection closed" (with `clean: false` at `close`, for the session may go on). What is published
 * after that, MQTT.js keeps for `mqtt.reconnect()`, and its promise waits: race it with `closed` where that can happen.
 * @throws LabError CONNECT_REFUSED with the reason code, CONNECT_FAILED when no CONNACK came, BAD_ARGUMENT for no address.
 */
export async function openClient(target: string | { url: string }, options: LabClientOptions = {}): Promise<LabClient> {
  addressOf(target);
  const url = typeof target === "string" ? target : target.url;
  const { connect } = await import("mqtt");
  const { timeout = 5_000, ...own } = options;
  const settings: IClientOptions = {
    protocolVersion: 5,
    reconnectPeriod: 0,
    connectTimeout: timeout,
    ...own,
    clientId: own.clientId ?? `client-${randomBytes(3).toString("hex")}`,
    // MQTT 3.1 has another protocol name; MQTT.js leaves it to its user.
    ...(own.protocolVersion === 3 && !own.protocolId ? { protocolId: "MQIsdp" } : {}),
  };
  const mqtt = connect(url, { ...settings, manualConnect: true });
  const client = new Client(mqtt, settings.clientId ?? "");
  try {
    mqtt.connect();
  } catch (error) {
    // Of a key or certificate that can't be used TLS says so at once, before there is a stream and its events.
    throw explainTlsError(error as Error) ? failed(url, error as Error) : error;
  }
  // Before the handshake, too: CONNECT would wait for the other side to acknowledge the last bytes of TLS.
  (mqtt.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
  await client.connected(url, timeout);
  return client;
}

/** Topics that begin with $ are matched by no # of anybody [MQTT-4.7.2-1]. */
const PRIVATE = "$settled/";

class Client implements LabClient {
  readonly mqtt: MqttClient;
  readonly acks: Ack[] = [];
  readonly closed: Promise<{ reasonCode?: number }>;
  connack: LabClient["connack"] = { sessionPresent: false, reasonCode: 0, properties: {} };
  readonly #asked: string;
  readonly #inbox: Inbox;
  readonly #private = new Map<string, () => void>();
  #pings: (() => void)[] = [];
  #lastError: Error | undefined;
  #disconnect: number | undefined;

  constructor(mqtt: MqttClient, clientId: string) {
    this.mqtt = mqtt;
    this.#asked = clientId;
    this.#inbox = new Inbox(
      () => this.clientId,
      () => this.#over(),
    );
    mqtt.on("message", (topic, payload, packet) => this.#receive(topic, payload, packet));
    mqtt.on("packetreceive", (packet) => this.#note(packet as unknown as Record<string, unknown>));
    mqtt.on("error", (error) => {
      this.#lastError = error as Error;
    });
    this.closed = new Promise((resolve) => mqtt.on("close", () => this.#gone(resolve)));
    // MQTT.js forgets that it was ended: a later publish would wait for ever, or trip over a store that is closed.
    mqtt.on("end", () =>
      setImmediate(() => {
        if (mqtt.disconnected) mqtt.disconnecting = true;
      }),
    );
    // MQTT.js leaves Nagle's algorithm on: with delayed acknowledgements a QoS 2 exchange can then stall for 40 ms.
    mqtt.on("connect", () => (mqtt.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true));
  }

  get clientId(): string {
    const given = this.connack.properties.assignedClientIdentifier;
    return this.#asked || (typeof given === "string" ? given : "");
  }

  get messages(): readonly Message[] {
    return this.#inbox.messages;
  }

  /** Waits for the CONNACK, or says why none came. */
  connected(url: string, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error & { code?: unknown }) => {
        done();
        this.mqtt.end(true);
        const code = typeof error.code === "number" ? error.code : 0;
        reject(code > 0 ? refused(url, code, this.#version, error) : failed(url, error));
      };
      const gone = () => fail(this.#lastError ?? new Error("the connection was closed without a CONNACK"));
      const ready = () => {
        done();
        resolve();
      };
      const timer = setTimeout(() => fail(new Error(`no CONNACK within ${timeout} ms`)), timeout);
      const done = () => {
        clearTimeout(timer);
        this.mqtt.off("connect", ready);
        this.mqtt.off("error", fail);
        this.mqtt.off("close", gone);
      };
      this.mqtt.on("connect", ready);
      this.mqtt.on("error", fail);
      this.mqtt.on("close", gone);
    });
  }

  async next(filter?: MessageFilter, options: { timeout?: number } = {}): Promise<Message> {
    const [message] = await this.#inbox.collect(1, { ...options, filter });
    return message!;
  }

  collect(complete: Complete, options: CollectOptions = {}): Promise<Message[]> {
    return this.#inbox.collect(complete, options);
  }

  async settled(options: { timeout?: number } = {}): Promise<void> {
    const timeout = options.timeout ?? 5_000;
    const topic = `${PRIVATE}${randomBytes(6).toString("hex")}`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const fail = (why: string) => () => reject(unsettled(this.clientId, why));
      timer = setTimeout(fail(`within ${timeout} ms`), timeout);
      void this.closed.then(fail("before the connection ended"));
    });
    try {
      await Promise.race([late, this.#roundTrip(topic)]);
    } finally {
      clearTimeout(timer);
      late.catch(() => undefined);
      this.#private.delete(topic);
    }
  }

  async silence(filter?: MessageFilter, options: { timeout?: number } = {}): Promise<void> {
    await this.settled(options);
    const came = this.#inbox.untaken(filter);
    if (!came.length) return;
    throw new LabError(
      "TIMEOUT",
      `${this.clientId} should have received nothing${wanted(filter)}, and got ${listing(came)}`,
      "look at which subscription matches that topic",
    );
  }

  async close(): Promise<void> {
    if (this.mqtt.connected && !this.mqtt.disconnecting) await bounded(this.mqtt.endAsync(), 1_000);
    this.mqtt.end(true);
    // An end that waits for an answer is under way then, and end(true) does nothing.
    this.mqtt.stream.destroy();
    this.#rejectPending();
    this.#inbox.notify();
  }

  cut(): void {
    this.mqtt.options.reconnectPeriod = 0;
    this.mqtt.stream.destroy();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" }[this.#version];
    const state = this.mqtt.connected ? "connected" : "not connected";
    const count = this.messages.length;
    return `client ${this.clientId}: MQTT ${version} · ${state} · ${count} message${count === 1 ? "" : "s"} received`;
  }

  get #version(): 3 | 4 | 5 {
    return this.mqtt.options.protocolVersion ?? 5;
  }

  /**
   * A message to itself. A broker whose access rules forbid it is asked by PINGREQ instead, until nothing more comes
   * between two answers: brokers write what they have for a client before they answer it.
   */
  async #roundTrip(topic: string): Promise<void> {
    let isBack = false;
    const back = new Promise<void>((resolve) => {
      this.#private.set(topic, () => {
        isBack = true;
        resolve();
      });
    });
    try {
      await this.mqtt.subscribeAsync(topic, { qos: 1 });
      await this.mqtt.publishAsync(topic, "", { qos: 1 });
    } catch (error) {
      if (!this.mqtt.connected) throw error;
    }
    for (let before = -1; !isBack && before !== this.messages.length; ) {
      before = this.messages.length;
      await Promise.race([back, this.#ping()]);
    }
    if (this.mqtt.connected) await this.mqtt.unsubscribeAsync(topic).catch(() => undefined);
  }

  #ping(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#pings.push(resolve));
    this.mqtt.sendPing();
    return answered;
  }

  #receive(topic: string, payload: Buffer, packet: IPublishPacket): void {
    if (topic.startsWith(PRIVATE)) {
      this.#private.get(topic)?.();
      return;
    }
    const { qos, retain, dup, properties = {} } = packet;
    const text = payload.toString("utf8");
    this.#inbox.put({ topic, payload, text, qos, retain, dup, properties: { ...properties }, at: Date.now() });
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
    } else if (type === "pingresp") {
      for (const answered of this.#pings.splice(0)) answered();
    } else if (/^(pub(ack|rec|rel|comp)|(un)?suback)$/.test(type)) {
      const codes = Array.isArray(packet.granted) ? packet.granted.map(Number) : [Number(packet.reasonCode ?? 0)];
      this.acks.push({ type: type.toUpperCase(), id: Number(packet.messageId), codes });
    }
  }

  /** The connection is gone: for good, unless MQTT.js is to make another. */
  #gone(resolve: (end: { reasonCode?: number }) => void): void {
    const { mqtt } = this;
    const final = !mqtt.options.reconnectPeriod || mqtt.disconnecting;
    // A session that is to go on may get its answers after mqtt.reconnect().
    if (final && mqtt.options.clean !== false) this.#rejectPending();
    if (final) resolve({ reasonCode: this.#disconnect });
    this.#inbox.notify();
  }

  /** MQTT.js would leave promises pending for ever whose answers cannot come any more. */
  #rejectPending(): void {
    for (const [id, pending] of Object.entries(this.mqtt.outgoing)) {
      delete this.mqtt.outgoing[Number(id)];
      pending.cb?.(new Error("Connection closed"));
    }
  }

  /** Why no more messages will come, "" while they may. */
  #over(): string {
    const { mqtt } = this;
    if (mqtt.connected || mqtt.reconnecting || (mqtt.options.reconnectPeriod && !mqtt.disconnecting)) return "";
    return this.#disconnect === undefined ? " " : ` (${reasonText(this.#disconnect, "DISCONNECT")})`;
  }
}

/** Waits for an end, but not for ever: a broker that doesn't answer must not hold a lab open. */
async function bounded(ending: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  // How it failed doesn't matter: the socket is destroyed next.
  await Promise.race([late, ending.catch(() => undefined)]);
  clearTimeout(timer);
}

const unsettled = (who: string, when: string): LabError =>
  new LabError(
    "TIMEOUT",
    `a message of ${who}'s own did not come back ${when}`,
    "is the client still connected, and does the broker answer? its log says why a connection ended",
  );

function refused(url: string, code: number, version: 3 | 4 | 5, cause: Error): LabError {
  const { name, tryNext } = explainReasonCode(code, "CONNACK", version);
  const hex = `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
  const hint = tryNext || "read the broker's log: it says why";
  return new LabError("CONNECT_REFUSED", `${url} answered CONNECT with ${hex}, ${name}`, hint, { cause });
}

function failed(url: string, cause: Error & { code?: unknown }): LabError {
  const tls = explainTlsError(cause);
  if (tls) {
    return new LabError("CONNECT_FAILED", `no TLS with ${url}: ${tls.what} (${cause.code})`, tls.hint, { cause });
  }
  const detail = cause.message || String(cause.code ?? "the connection failed");
  return new LabError(
    "CONNECT_FAILED",
    `no CONNACK from ${url}: ${detail}`,
    "is the broker running, and is this one of its listeners? `lab.health(broker)` walks the way hop by hop",
    { cause },
  );
}
