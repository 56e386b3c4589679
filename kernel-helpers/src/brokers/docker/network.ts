import type Docker from "dockerode";
import type { Scope } from "../../core/scope";
import { Once, Turns } from "../../core/turns";
import { Cuts } from "../cuts";
import type { Box } from "./box";
import { ownerLabels } from "./cleanup";
import { call, callGone } from "./client";
import { groupsOf } from "./groups";

interface Aside {
  readonly network: Docker.Network;
  readonly members: Set<Box>;
}

/**
 * The networks of one lab. Its brokers find each other by name on the main one; their published ports are on another, so
 * that clients stay whatever is cut here. Who is cut from some keeps the others on further networks: their bridges
 * connect again, by the same names.
 */
export class LabNetwork {
  readonly cuts = new Cuts();
  readonly #docker: Docker;
  readonly #scope: Scope;
  readonly #lab: string;
  readonly #main = new Once<Docker.Network>();
  /** Who is on the main network, in the order in which they came; and who was sent off it. */
  readonly #boxes = new Map<Box, { readonly behind?: string; onMain: boolean }>();
  #asides: Aside[] = [];
  readonly #turns = new Turns();
  #count = 0;

  constructor(docker: Docker, scope: Scope, lab: string) {
    this.#docker = docker;
    this.#scope = scope;
    this.#lab = lab;
  }

  /** Made at the first call, removed at the scope's end. */
  main(): Promise<Docker.Network> {
    return this.#main.get(() => this.#create(""));
  }

  /** A container that is on the main network. @param behind the broker for which it stands: cut from whom that is cut from. */
  async join(box: Box, behind?: string): Promise<void> {
    for (const old of [...this.#boxes.keys()]) if (old.name === box.name) this.#boxes.delete(old);
    this.cuts.forget(box.name);
    this.#boxes.set(box, { ...(behind ? { behind } : {}), onMain: true });
    // Whoever was sent off the main network because of its predecessor comes back.
    const all = [...this.#boxes.values()].every(({ onMain }) => onMain);
    if (this.cuts.pairs.length || !all) await this.arrange();
  }

  /** Carries out what `cuts` says, one change after the other. */
  arrange(): Promise<void> {
    return this.#turns.take(() => this.#arrange());
  }

  async #arrange(): Promise<void> {
    const there = [...this.#boxes].filter(([box]) => !box.removed);
    const boxOf = new Map(there.map(([box]) => [box.name, box]));
    const standsFor = new Map(there.map(([box, { behind }]) => [box.name, behind ?? box.name]));
    const talks = (a: string, b: string) => !this.cuts.has(standsFor.get(a)!, standsFor.get(b)!);
    const [main = [], ...groups] = groupsOf([...boxOf.keys()], this.cuts.pairs, talks);
    const wanted = groups.map((group) => new Set(group.map((name) => boxOf.get(name)!)));
    const kept = this.#asides.filter(({ members }) => wanted.some((group) => same(group, members)));
    const over = this.#asides.filter((aside) => !kept.includes(aside));
    for (const group of wanted) {
      if (kept.some(({ members }) => same(group, members))) continue;
      const network = await this.#create(`-link${++this.#count}`);
      this.#asides.push({ network, members: group });
      for (const box of group) await attach(network, box);
    }
    const network = await this.main();
    for (const [box, place] of there) {
      const stays = main.includes(box.name);
      if (place.onMain === stays) continue;
      if (stays) await attach(network, box);
      else await call("cutting the link", () => network.disconnect({ Container: box.container.id, Force: true }));
      place.onMain = stays;
    }
    for (const aside of over) {
      await this.#end(aside.network);
      this.#asides = this.#asides.filter((one) => one !== aside);
    }
  }

  async #end(network: Docker.Network): Promise<void> {
    const { Containers } = (await network.inspect()) as { Containers?: Record<string, unknown> };
    for (const Container of Object.keys(Containers ?? {})) {
      await callGone("mending the link", () => network.disconnect({ Container, Force: true }));
    }
    await callGone("mending the link", () => network.remove());
  }

  async #create(suffix: string): Promise<Docker.Network> {
    const name = `mqtt-notebooks-${this.#lab}-${this.#scope.id}${suffix}`;
    const Labels = ownerLabels(this.#scope.session, this.#lab, name);
    let making: Promise<Docker.Network | null> = Promise.resolve(null);
    this.#scope.add(`network ${name}`, async () => {
      const made = await making.catch(() => null);
      if (made) await callGone(`removing ${name}`, () => made.remove());
    });
    const network = call("making the lab's network", () =>
      this.#docker.createNetwork({ Name: name, Driver: "bridge", Labels, CheckDuplicate: true }),
    );
    making = network;
    return network;
  }
}

function same(a: ReadonlySet<Box>, b: ReadonlySet<Box>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

const attach = (to: Docker.Network, box: Box): Promise<void> =>
  call(`connecting ${box.name}`, () =>
    to.connect({ Container: box.container.id, EndpointConfig: { Aliases: [box.name] } }),
  );
