/** A lab of a test's own: a scope with a folder, brokers on the embedded engine, clients that end with it. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { embeddedEngine } from "kernel-helpers/dist/brokers/embedded";
import type { EmbeddedBroker } from "kernel-helpers/dist/brokers/embedded/broker";
import { builtFolder } from "kernel-helpers/dist/brokers/embedded/node/modules";
import { tlsIsBuilt } from "kernel-helpers/dist/brokers/embedded/tls-build";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import type { BrokerSpec } from "kernel-helpers/dist/brokers/spec";
import { Scope } from "kernel-helpers/dist/core/scope";
import { currentSession } from "kernel-helpers/dist/core/session";
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";

/** Why these tests can't run here, or false. */
export const notBuilt: string | false = existsSync(join(builtFolder(), "manifest.json"))
  ? false
  : "the embedded broker is not built: npm run embedded";

/** The same for the programs with TLS. */
export const tlsNotBuilt: string | false =
  notBuilt || (tlsIsBuilt() ? false : "TLS is not built: npm run embedded -- --tls");

export const anonymous = (more = ""): string => `listener 1883\nallow_anonymous true\n${more}`;

export interface Got extends IPublishPacket {
  readonly text: string;
}

/** A client with the messages that it received. */
export class TestClient {
  readonly messages: Got[] = [];
  readonly #waiting: { count: number; resolve: (messages: Got[]) => void }[] = [];

  constructor(readonly mqtt: MqttClient) {
    mqtt.on("message", (topic, _payload, packet) => {
      // The packet's own topic is empty behind a topic alias.
      this.messages.push({ ...packet, topic, text: String(packet.payload) });
      for (const one of [...this.#waiting]) if (this.messages.length >= one.count) one.resolve(this.messages);
    });
  }

  /** All messages once there are that many. */
  async collected(count: number, ms = 10_000): Promise<Got[]> {
    if (this.messages.length >= count) return this.messages;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.messages.length} of ${count} messages came within ${ms} ms`)),
        ms,
      );
      this.#waiting.push({
        count,
        resolve: (messages) => {
          clearTimeout(timer);
          resolve(messages);
        },
      });
    });
  }
}

export class TestLab {
  readonly engine = embeddedEngine();
  readonly scope: Scope;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), "embedded-test-"));
    this.scope = new Scope(currentSession(), folder, { hold: () => () => {} });
    t.after(async () => {
      await this.scope.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  async broker(spec: BrokerSpec | string): Promise<EmbeddedBroker> {
    const plan = planBroker("lab", typeof spec === "string" ? { conf: spec } : spec);
    return (await this.engine.start(plan, this.scope)) as EmbeddedBroker;
  }

  /** @throws the CONNACK's error when it is refused. */
  async client(broker: EmbeddedBroker, options: IClientOptions = {}, listener = 0): Promise<TestClient> {
    const own = { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 5_000, ...options } as IClientOptions;
    const client = mqtt.connect(broker.listeners[listener]!.url, own);
    const wrapped = new TestClient(client);
    const forget = this.scope.add("client", () => client.endAsync(true).then(() => undefined));
    try {
      await new Promise<void>((resolve, reject) => {
        client.once("connect", () => resolve());
        client.once("error", reject);
        client.once("close", () => reject(new Error("closed before CONNACK")));
      });
    } catch (error) {
      forget();
      client.end(true);
      throw error;
    }
    // A refused connection and a killed broker are what some tests are about.
    client.on("error", () => {});
    return wrapped;
  }
}
