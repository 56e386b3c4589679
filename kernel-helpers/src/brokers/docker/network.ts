import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import type { Link } from "../engine";
import type { Box } from "./box";
import { ownerLabels } from "./cleanup";
import { call, callGone } from "./client";

/** The network of one lab. Its brokers find each other on it by name; their published ports are on another. */
export class LabNetwork {
  readonly #docker: Docker;
  readonly #scope: Scope;
  readonly #lab: string;
  #main: Promise<Docker.Network> | undefined;
  #members = new Set<Box>();
  #count = 0;

  constructor(docker: Docker, scope: Scope, lab: string) {
    this.#docker = docker;
    this.#scope = scope;
    this.#lab = lab;
  }

  /** Made at the first call, removed at the scope's end. */
  main(): Promise<Docker.Network> {
    this.#main ??= this.#create("").catch((error) => {
      this.#main = undefined;
      throw error;
    });
    return this.#main;
  }

  join(box: Box): void {
    this.#members.add(box);
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

  /**
   * Cuts one broker from another. Clients keep their published ports. Where the lab has more brokers, the first one
   * stays with them on a network of its own: their bridges connect again, by the same names.
   */
  link(a: Box, b: Box): Link {
    let aside: Docker.Network | undefined;
    let state: Link["state"] = "up";
    let turn: Promise<void> = Promise.resolve();
    const inTurn = (act: () => Promise<void>): Promise<void> => {
      const next = turn.then(act);
      turn = next.catch(() => undefined);
      return next;
    };
    const attach = (to: Docker.Network, box: Box) =>
      call(`connecting ${box.name}`, () =>
        to.connect({ Container: box.container.id, EndpointConfig: { Aliases: [box.name] } }),
      );
    const cut = async () => {
      if (state === "cut") return;
      for (const box of [a, b]) if (box.removed) throw goneError(box);
      const main = await this.main();
      const others = [...this.#members].filter((box) => box !== a && box !== b && !box.removed);
      if (others.length) {
        aside = await this.#create(`-link${++this.#count}`);
        for (const box of [a, ...others]) await attach(aside, box);
      }
      await call("cutting the link", () => main.disconnect({ Container: a.container.id, Force: true }));
      state = "cut";
    };
    const mend = async () => {
      if (state === "up") return;
      for (const box of [a, b]) if (box.removed) throw goneError(box);
      await attach(await this.main(), a);
      if (aside) {
        const away = aside;
        aside = undefined;
        const members = (await away.inspect()) as { Containers?: Record<string, unknown> };
        for (const Container of Object.keys(members.Containers ?? {})) {
          await callGone("mending the link", () => away.disconnect({ Container, Force: true }));
        }
        await callGone("mending the link", () => away.remove());
      }
      state = "up";
    };
    return {
      get state() {
        return state;
      },
      cut: () => inTurn(cut),
      mend: () => inTurn(mend),
    };
  }
}

const goneError = (box: Box): LabError =>
  new LabError("NOT_IN_A_LAB", `${box.name} was removed`, "start both brokers again, then make the link again");
