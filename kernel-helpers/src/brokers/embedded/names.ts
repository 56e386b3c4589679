/** The brokers of each lab by name, so that a bridge's `address hub:1883` finds its way, as on a container network. */
import type { Scope } from "../../core/scope";
import { Cuts } from "../cuts";
import type { Neighbours, PublishedPort } from "./node/messages";
import type { Run } from "./node/pool";

interface Entry {
  ports: readonly PublishedPort[];
  run: Run | null;
  /** The broker that a door stands for. */
  behind?: string;
}

interface LabOf {
  readonly entries: Map<string, Entry>;
  readonly cuts: Cuts;
}

export class LabNames {
  readonly #labs = new WeakMap<Scope, LabOf>();

  of(scope: Scope): Neighbours {
    return Object.fromEntries([...this.#lab(scope).entries].map(([name, { ports }]) => [name, ports]));
  }

  cuts(scope: Scope): Cuts {
    return this.#lab(scope).cuts;
  }

  /** The names that this broker is cut from. */
  cutFrom(scope: Scope, broker: string): string[] {
    const { entries, cuts } = this.#lab(scope);
    return [...entries].filter(([name, { behind }]) => cuts.has(broker, behind ?? name)).map(([name]) => name);
  }

  started(scope: Scope, name: string, ports: readonly PublishedPort[], run: Run): void {
    this.#lab(scope).entries.set(name, { ports, run });
    this.tell(scope);
  }

  /** A name for what is no broker. */
  door(scope: Scope, name: string, ports: readonly PublishedPort[], behind?: string): void {
    this.#lab(scope).entries.set(name, { ports, run: null, ...(behind ? { behind } : {}) });
    this.tell(scope);
  }

  /** Its name stays: a client finds it, and nobody answers. */
  stopped(scope: Scope, name: string): void {
    const entry = this.#lab(scope).entries.get(name);
    if (entry) entry.run = null;
  }

  /** @param ports tell a broker from its successor of the same name. */
  remove(scope: Scope, name: string, ports: readonly PublishedPort[]): void {
    const { entries, cuts } = this.#lab(scope);
    if (entries.get(name)?.ports !== ports) return;
    entries.delete(name);
    cuts.forget(name);
    this.tell(scope);
  }

  /** Tells every broker of the lab who its neighbours are, and from whom it is cut. */
  tell(scope: Scope): void {
    const neighbours = this.of(scope);
    for (const [name, { run }] of this.#lab(scope).entries) {
      run?.send({ op: "neighbours", id: run.id, neighbours, cut: this.cutFrom(scope, name) });
    }
  }

  /** The same, and waits until each has taken it in. */
  async told(scope: Scope): Promise<void> {
    this.tell(scope);
    const runs = [...this.#lab(scope).entries.values()].flatMap(({ run }) => run ?? []);
    await Promise.all(runs.map((run) => run.ask({ op: "heard", id: run.id }, "heard")));
  }

  #lab(scope: Scope): LabOf {
    const lab = this.#labs.get(scope) ?? { entries: new Map<string, Entry>(), cuts: new Cuts() };
    this.#labs.set(scope, lab);
    return lab;
  }
}
