import { inspect } from "node:util";
import type { Door, EngineKind, ExecOptions, Link, ServicePlan, ToolResult } from "./brokers/engine";
import type { BrokerFile, BrokerSpec, MosquittoRelease } from "./brokers/spec";
import type { Authority } from "./certs/authority";
import { fromHere } from "./core/call-site";
import { LabError } from "./core/errors";
import { Turns } from "./core/turns";
import { onKernelExit, onUncompiled, publishDisplay } from "./kernel/display";
import { type BridgeTap, type BridgeTapOptions, notABroker, reachable } from "./lab/bridge-tap";
import { Broker, inConfig } from "./lab/broker";
import { checkHealth, type Health } from "./lab/health";
import { HereHost, type Host } from "./lab/host";
import { lineView, observationView } from "./lab/lesson-views";
import { Lessons } from "./lab/lessons";
import { readMaterial } from "./lab/material";
import { differs, type ObserveOptions, observation } from "./lab/observe";
import { Predictions } from "./lab/predictions";
import { progressDisplay } from "./lab/progress";
import { openRemoteHost } from "./lab/remote-host";
import { closedLab, Resources } from "./lab/resources";
import type { CheckBody } from "./lab/run-check";
import { addressOf, type Piece, type Topology, topologyOf } from "./lab/topology";
import type { LabClient, LabClientOptions } from "./mqtt/client";
import { openClient } from "./mqtt/client";
import type { RawClient } from "./mqtt/raw";
import { openRaw } from "./mqtt/raw";
import type { Tap, TapOptions } from "./mqtt/tap";
import { predictView, revealView } from "./views/card";
import { bundle, type View } from "./views/view";

/** What a client or a tap can be opened on: a broker, a tap, a listener, or a URL. */
export type Target = Broker | Tap | string | { url: string };

export interface LabOptions {
  /** Default "auto": a container engine that answers, else the embedded broker, else a local process. */
  engine?: EngineKind | "auto";
}

/**
 * A lab: names and owns every broker, tap and client that its cells open. Open one with `openLab`.
 * The same name again replaces the old resource, so any cell may run twice.
 */
export class Lab {
  readonly slug: string;
  readonly #host: Host;
  readonly #resources = new Resources();
  readonly #lessons: Lessons;
  readonly #predictions = new Predictions();
  readonly #forgetUncompiled: () => void;
  #count = 0;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(slug: string, host: Host) {
    this.slug = slug;
    this.#host = host;
    this.#lessons = new Lessons(slug, host, (value) => this.#taps.has(value));
    this.#forgetUncompiled = onUncompiled((cell) => this.#lessons.byValues(this, cell));
  }

  /** Which engine runs this lab's brokers. */
  get engine(): EngineKind {
    return this.#host.engine;
  }

  /** What a person should know about the choice of the engine; empty when all is as usual. */
  get notices(): readonly string[] {
    return this.#host.notices;
  }

  /**
   * Starts a real Mosquitto and returns once every listener of its configuration answers CONNECT.
   * @throws LabError BAD_CONFIG, BROKER_EXITED, BROKER_NOT_READY, PORT_TAKEN, IMAGE_UNAVAILABLE, ENGINE_CANNOT.
   */
  broker(spec: BrokerSpec = {}): Promise<Broker> {
    const name = spec.name ?? "broker";
    const key = `broker ${name}`;
    return this.#make(key, [], async () => {
      const progress = progressDisplay();
      const inner = await this.#host.start({ ...spec, name }, progress.line).finally(progress.done);
      const broker = new Broker(inner, () => this.#resources.endAbove(key));
      return this.#piece(key, { kind: "broker", broker }, { value: broker, end: () => inner.remove() });
    });
  }

  /**
   * A connected MQTT.js client; `client.mqtt` is MQTT.js's own. MQTT 5 unless the options say otherwise.
   * The same `name` (default: its client id) replaces the earlier client.
   * @throws LabError CONNECT_REFUSED with the broker's reason code, CONNECT_FAILED when no CONNACK came.
   */
  client(target: Target, options: LabClientOptions & { name?: string } = {}): Promise<LabClient> {
    const { name, ...rest } = options;
    const key = `client ${name ?? options.clientId ?? `#${++this.#count}`}`;
    return this.#make(key, this.#standsOn(target), async () => {
      const client = await openClient(reach(target), rest);
      const piece = {
        kind: "client",
        name: name ?? client.clientId,
        on: this.#standsOn(target)[0] ?? null,
        client,
      } as const;
      return this.#piece(key, piece, { value: client, end: () => client.close() });
    });
  }

  /** A TCP connection for cells that speak byte by byte, and may break the protocol on purpose. */
  raw(target: Target, options: { name?: string } = {}): Promise<RawClient> {
    const key = `raw ${options.name ?? `#${++this.#count}`}`;
    return this.#make(key, this.#standsOn(target), async () => {
      const raw = await openRaw(reach(target));
      return { value: raw, end: () => raw.close() };
    });
  }

  /**
   * A TCP proxy in front of a broker that records and decodes both directions. Clients connect to the tap instead.
   * @param options.bridges brokers reach it, too, for a tap on a bridge: `address ${tap.addressFor(leaf)}`. It lets
   * `options.most` packets through (default 10,000), so that brokers that go in a circle come to an end.
   */
  tap(target: Broker, options: TapOptions & { name?: string } & BridgeTapOptions): Promise<BridgeTap>;
  tap(target: Target, options?: TapOptions & { name?: string }): Promise<Tap>;
  tap(target: Target, options: TapOptions & { name?: string } & Partial<BridgeTapOptions> = {}): Promise<Tap> {
    const { name, bridges, most, ...rest } = options;
    const key = `tap ${name ?? nameOf(target) ?? `#${++this.#count}`}`;
    return this.#make(key, this.#standsOn(target), async () => {
      if (bridges && !(target instanceof Broker)) throw notABroker();
      let tap = await this.#host.tap({ url: reach(target) }, rest);
      this.#taps.set(tap, key);
      if (bridges && target instanceof Broker) {
        const progress = progressDisplay();
        const own = { name: `${name ?? target.name}-tap`, most };
        tap = await reachable(this.#host, tap, target, own, progress.line).finally(progress.done);
      }
      const piece = { kind: "tap", on: this.#standsOn(target)[0] ?? "", address: addressOf(tap) } as const;
      return this.#piece(key, piece, { value: tap, end: () => tap.close() });
    });
  }

  /**
   * Runs one of Mosquitto's programs (mosquitto_passwd, mosquitto_ctrl …) before any broker runs, in /mosquitto/config.
   * @param options.files what it finds there. @param options.collect which files to bring back, by the same paths.
   * @throws LabError TOOL_FAILED with what it printed.
   */
  async tool(
    program: string,
    args: readonly string[] = [],
    options: ExecOptions & {
      files?: Record<string, BrokerFile>;
      collect?: readonly string[];
      mosquitto?: MosquittoRelease;
    } = {},
  ): Promise<ToolResult & { files: Record<string, string> }> {
    if (this.#closing) throw closedLab();
    const { files, collect = [], mosquitto, ...exec } = options;
    const progress = progressDisplay();
    const plan = { command: [program, ...args], files, collect: collect.map(inConfig), mosquitto };
    const result = await fromHere(this.#host.tool(plan, { ...exec, progress: progress.line }).finally(progress.done));
    if (result.exitCode !== 0) {
      throw new LabError(
        "TOOL_FAILED",
        `${program} ended with exit code ${result.exitCode}: ${(result.stderr || result.stdout).trim()}`,
        "read the program's own message above; its options are those of Mosquitto's manual page",
      );
    }
    const text = new TextDecoder();
    const brought: Record<string, string> = {};
    for (const [path, content] of result.files)
      brought[path.replace(/^\/mosquitto\/config\//, "")] = text.decode(content);
    return { ...result, files: brought };
  }

  /**
   * A certificate authority of this course's own, with a root and an intermediate: `ca.certificate` is what others trust,
   * `await ca.server("broker")` and `await ca.client("sensor-1")` are certificates with their keys, good ones or with a
   * `fault`. They are made once and kept in certs/out of the course, for this user only.
   * @param name another name is another authority, which nobody trusts yet.
   */
  async authority(name = "plant"): Promise<Authority> {
    if (this.#closing) throw closedLab();
    const { openAuthority } = await import("./certs/authority");
    return openAuthority(name);
  }

  /** A container of another kind (a folder of `docker/`), beside the brokers on the lab's network. Docker only. */
  service(plan: Omit<ServicePlan, "lab">) {
    return this.#make(`service ${plan.name}`, [], async () => {
      const progress = progressDisplay();
      const service = await this.#host.service(plan, progress.line).finally(progress.done);
      return { value: service, end: () => service.remove() };
    });
  }

  /**
   * Walks hop by hop from a broker's process to a CONNACK, and says where the way ends. `showHealth` draws it.
   * @param port the port in the configuration; default the first MQTT listener.
   */
  health(broker: Broker, port?: number): Promise<Health> {
    return fromHere(checkHealth(broker.inner, port));
  }

  /**
   * The text of a file that comes with this lab (notebooks/material/<lab>/): a configuration to repair, a log to read.
   * @throws LabError BAD_ARGUMENT with the names that there are.
   */
  material(name: string): string {
    return readMaterial(this.slug, name);
  }

  /** The connection between two brokers, to cut and to mend while both run on. */
  link(a: Broker, b: Broker): Promise<Link> {
    return fromHere(this.#host.link(a.inner, b.inner));
  }

  /**
   * A name on the lab's network for a port of this machine, where a cell serves something: brokers reach it as
   * `name:port`. The same name again replaces the earlier one.
   */
  door(name: string, port: number): Promise<Door> {
    return this.#make(`door ${name}`, [], async () => {
      const progress = progressDisplay();
      const target = { host: "127.0.0.1", port };
      const door = await this.#host.door({ name, port, target }, progress.line).finally(progress.done);
      return { value: door, end: () => door.remove() };
    });
  }

  /**
   * What really runs, to be drawn by `showTopology`: the lab's brokers, the bridges of their configurations with the
   * state that `$SYS` tells now, and the lab's clients.
   */
  topology(): Promise<Topology> {
    return topologyOf(this.#pieces);
  }

  /** Throws away a named volume and the data in it. */
  removeVolume(name: string): Promise<void> {
    return fromHere(this.#host.removeVolume(name));
  }

  /**
   * Judges an exercise by what a broker or the wire shows, displays a card and returns the points earned.
   *
   * The body uses only `t` and what it is given by name: plain values arrive as copies, functions as functions that
   * answer with a promise, brokers and taps as themselves. Never throws for what an answer does.
   */
  check<Given extends Record<string, unknown>>(id: string, given: Given, body: CheckBody<Given>): Promise<number> {
    if (this.#closing) return Promise.reject(closedLab());
    return this.#lessons.check(id, given, body);
  }

  /** The next of an exercise's three hints each time: where to look, what you should see there, almost the line. */
  hint(exercise: string): View {
    return this.#lessons.hint(exercise);
  }

  /** The course's own answer: after a pass, or after three tries with different answers. */
  solution(exercise: string): View {
    return this.#lessons.solution(exercise);
  }

  /** This lab's checks with what each earned when it ran last, also in earlier kernels. */
  score(): View {
    return this.#lessons.score();
  }

  /** Asks a question with a definite answer. Not answering is fine. */
  predict(id: string, choices: Record<string, string>): View {
    return predictView(this.#predictions.predict(id, choices));
  }

  /** The reader's forecast, 8 as well as "8"; an empty text takes it back. @throws LabError BAD_ARGUMENT for what is none of the choices. */
  guess(id: string, key: string | number): View {
    const { guess, choices } = this.#predictions.guess(id, `${key}`);
    return lineView(guess === null ? "No forecast, and none is needed." : `Your forecast: ${choices[guess] ?? guess}`);
  }

  /** Forecast and observation side by side. @param key the choice that happened. */
  reveal(id: string, key: string): View {
    return revealView(this.#predictions.reveal(id, key));
  }

  /**
   * States in one line that a statement of the specification was observed, for the ledger.
   * @param options.broker whose behaviour it is. @param options.deviations versions that are known to behave otherwise.
   * @throws LabError OBSERVATION_DIFFERS when it does not hold and no deviation explains it.
   */
  observe(id: string, actual: unknown, expected: unknown, options: ObserveOptions = {}): void {
    const seen = observation(id, actual, expected, options);
    publishDisplay(bundle(observationView(seen)));
    if (!seen.holds && seen.deviation === null) throw differs(seen);
  }

  /** Ends everything this lab has open. Safe to call twice; nothing can be opened afterwards. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#forgetUncompiled();
      try {
        await this.#resources.close();
      } finally {
        await this.#host.close();
      }
    })();
    return this.#closing;
  }

  [inspect.custom](): string {
    const open = this.#resources.keys;
    const state = this.#closing ? "closed" : open.length ? open.join(", ") : "nothing open";
    return [`lab ${this.slug} · ${this.#host.probe.summary} · ${state}`, ...this.notices].join("\n");
  }

  readonly #taps = new WeakMap<object, string>();
  readonly #pieces = new Map<string, Piece>();

  /** Notes what a resource is, as long as it is there. */
  #piece<T>(key: string, piece: Piece, made: { value: T; end: () => Promise<void> }) {
    this.#pieces.set(key, piece);
    const end = () => {
      this.#pieces.delete(key);
      return made.end();
    };
    return { value: made.value, end };
  }

  #make<T>(
    key: string,
    on: readonly string[],
    make: () => Promise<{ value: T; end: () => Promise<void> }>,
  ): Promise<T> {
    if (this.#closing) return Promise.reject(closedLab());
    return fromHere(this.#resources.replace(key, on, make));
  }

  /** What a resource on this target stands on, so that it ends first. */
  #standsOn(target: Target): string[] {
    if (target instanceof Broker) return [`broker ${target.name}`];
    const tap = typeof target === "object" ? this.#taps.get(target) : undefined;
    return tap ? [tap] : [];
  }
}

let current: Lab | undefined;
const openings = new Turns();

/**
 * Opens a lab, closes this kernel's earlier one, and sweeps what kernels that are gone left behind.
 * @param slug the lab's name in notebooks/course.json, or any name of your own.
 * @throws LabError NO_ENGINE, ENGINE_UNREACHABLE, ENGINE_FORBIDDEN: each says what to install or start.
 */
export function openLab(slug: string, options: LabOptions = {}): Promise<Lab> {
  const turn = openings.take(async () => {
    await current?.close();
    const host = (await openRemoteHost(slug)) ?? (await HereHost.open(slug, options.engine));
    const lab = new Lab(slug, host);
    current = lab;
    return lab;
  });
  return fromHere(turn);
}

onKernelExit(async () => current?.close());

function reach(target: Target): string {
  const url = typeof target === "string" ? target : target?.url;
  if (typeof url === "string") return url;
  throw new LabError(
    "BAD_ARGUMENT",
    `${inspect(target)} is nothing a client can connect to`,
    "give a broker, a tap, a listener or a URL such as mqtt://127.0.0.1:1883",
  );
}

function nameOf(target: Target): string | undefined {
  return target instanceof Broker ? target.name : undefined;
}
