import { connect, type Socket } from "node:net";
import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import type { Door, DoorPlan, Progress } from "../engine";
import { checkedName } from "../plan";
import { freePort, randomPort, returnPort } from "../ports";
import { isRemote } from "./address";
import { Box } from "./box";
import { DockerBroker } from "./broker";
import { ownerLabels } from "./cleanup";
import { isPortTaken } from "./client";
import { serviceImage } from "./images";
import type { DockerHere } from "./index";

/** The container's port that is published: this kernel connects to it. */
const BACK = 40_000;
/** How many connections wait there for the next broker that comes. */
const WAITING = 4;
/** Milliseconds from one try to the next while the container starts. */
const AGAIN = 50;
const PATIENCE = 15_000;

/**
 * A container on the lab's network stands for a port of this machine. A container reaches neither a port of this
 * machine's loopback nor, behind a remote engine, this machine at all; so this side connects to the container, as to
 * every published port, and whoever comes to the door gets one of these connections. See docker/door/door.pl.
 */
export async function openDoor(here: DockerHere, plan: DoorPlan, scope: Scope, progress?: Progress): Promise<Door> {
  checkedName(plan.name, "a door");
  const image = await serviceImage(here.docker, "door", progress);
  for (let tries = 1; ; tries++) {
    const hostPort = isRemote(here.address) ? randomPort() : await freePort(here.publish.bind);
    const box = await createBox(here, plan, scope, image.id, hostPort);
    const backs = new Backs({ host: here.publish.reach, port: hostPort }, plan.target);
    const remove = async () => {
      backs.close();
      await box.remove();
      returnPort(hostPort);
    };
    // Before the container's own end, so that nobody here goes on knocking.
    const forget = scope.add(`door ${plan.name}`, remove);
    try {
      const { exited } = await box.start();
      await backs.ready(exited.then(() => box.log.tail()));
      return {
        name: plan.name,
        address: `${plan.name}:${plan.port}`,
        remove: async () => {
          forget();
          await remove();
        },
      };
    } catch (error) {
      forget();
      await remove();
      if (!isPortTaken(error) || tries === 5) throw error;
    }
  }
}

async function createBox(
  here: DockerHere,
  plan: DoorPlan,
  scope: Scope,
  image: string,
  hostPort: number,
): Promise<Box> {
  const network = here.network(scope, plan.lab);
  const box = await Box.create(
    here.docker,
    scope,
    plan.name,
    {
      Image: image,
      Hostname: plan.name,
      Labels: ownerLabels(scope.session, plan.lab, plan.name),
      Cmd: [String(plan.port), String(BACK)],
      ExposedPorts: { [`${BACK}/tcp`]: {} },
      HostConfig: {
        NetworkMode: "bridge",
        PortBindings: { [`${BACK}/tcp`]: [{ HostIp: here.publish.bind, HostPort: String(hostPort) }] },
      },
    },
    await network.main(),
    null,
  );
  await network.join(box, plan.behind instanceof DockerBroker ? plan.behind.name : undefined);
  return box;
}

/** The connections of this side that wait at a door's back, and those that are in use. */
class Backs {
  readonly #door: { host: string; port: number };
  readonly #target: { host: string; port: number };
  readonly #open = new Set<Socket>();
  #greeted: () => void = () => {};
  #closed = false;

  constructor(door: { host: string; port: number }, target: { host: string; port: number }) {
    this.#door = door;
    this.#target = target;
  }

  /** @param ended resolves with its last lines when the container ends. */
  async ready(ended: Promise<string>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const failed = (code: "BROKER_EXITED" | "BROKER_NOT_READY", what: string) =>
      new LabError(code, `the door of the lab's network ${what}`, "run the cell again; `npm run doctor` says more");
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(failed("BROKER_NOT_READY", `did not open within ${PATIENCE} ms`)), PATIENCE);
      ended.then((lines) => reject(failed("BROKER_EXITED", `ended. Its last lines:\n${lines}`)), reject);
    });
    const greeted = new Promise<void>((resolve) => {
      this.#greeted = resolve;
    });
    for (let i = 0; i < WAITING; i++) this.#wait();
    try {
      await Promise.race([greeted, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#open) socket.destroy();
  }

  /** One more connection for the next who comes. */
  #wait(): void {
    if (this.#closed) return;
    const back = connect({ ...this.#door, noDelay: true, keepAlive: true, allowHalfOpen: true });
    this.#keep(back);
    let taken = false;
    // An engine's own proxy accepts before the container listens, and hangs up.
    back.on("close", () => {
      if (!taken) setTimeout(() => this.#wait(), AGAIN).unref();
    });
    back.on("readable", () => {
      while (!taken) {
        const said = back.read(1) as Buffer | null;
        if (!said) return;
        if (said[0] === 0x2d) this.#greeted();
        else {
          taken = true;
          back.removeAllListeners("readable");
          this.#carry(back);
          this.#wait();
        }
      }
    });
    back.on("end", () => {
      if (!taken) back.destroy();
    });
  }

  #carry(back: Socket): void {
    const ahead = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
    this.#keep(ahead);
    back.pipe(ahead);
    ahead.pipe(back);
    back.on("close", () => ahead.destroy());
    ahead.on("close", () => back.destroySoon());
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#open.delete(socket));
  }
}
