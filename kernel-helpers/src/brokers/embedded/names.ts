/** The brokers of each lab by name, so that a bridge's `address hub:1883` finds its way, as on a container network. */
import type { Scope } from "../../core/scope";
import type { Neighbours, PublishedPort } from "./node/messages";
import type { Run } from "./node/pool";

interface Entry {
  ports: readonly PublishedPort[];
  run: Run | null;
}

export class LabNames {
  readonly #labs = new WeakMap<Scope, Map<string, Entry>>();

  of(scope: Scope): Neighbours {
    return Object.fromEntries([...this.#lab(scope)].map(([name, { ports }]) => [name, ports]));
  }

  started(scope: Scope, name: string, ports: readonly PublishedPort[], run: Run): void {
    this.#lab(scope).set(name, { ports, run });
    this.#tell(scope);
  }

  /** Its name stays: a client finds it, and nobody answers. */
  stopped(scope: Scope, name: string): void {
    const entry = this.#lab(scope).get(name);
    if (entry) entry.run = null;
  }

  /** @param ports tell a broker from its successor of the same name. */
  remove(scope: Scope, name: string, ports: readonly PublishedPort[]): void {
    const lab = this.#lab(scope);
    if (lab.get(name)?.ports !== ports) return;
    lab.delete(name);
    this.#tell(scope);
  }

  #lab(scope: Scope): Map<string, Entry> {
    const lab = this.#labs.get(scope) ?? new Map<string, Entry>();
    this.#labs.set(scope, lab);
    return lab;
  }

  #tell(scope: Scope): void {
    const neighbours = this.of(scope);
    for (const { run } of this.#lab(scope).values()) run?.send({ op: "neighbours", id: run.id, neighbours });
  }
}
