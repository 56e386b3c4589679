import type { Progress } from "../brokers/engine";
import { LabError } from "../core/errors";
import type { Tap } from "../mqtt/tap";
import type { Broker } from "./broker";
import type { Host } from "./host";

/** A tap that brokers reach as well: it stands on a bridge's way, and records what two brokers say to each other. */
export interface BridgeTap extends Tap {
  /**
   * "hub-tap:1883" for the configuration of a broker of this lab: `address ${tap.addressFor(leaf)}`. The tap belongs to
   * the link between the two: cut that, and nothing gets through here either.
   */
  addressFor(peer?: Broker | string): string;
}

/** How many packets a tap on a bridge lets through. Brokers that go in a circle never end by themselves. */
export const MOST_PACKETS = 10_000;

/** Options of a tap that brokers reach. */
export interface BridgeTapOptions {
  readonly bridges: true;
  /** After so many packets nothing more gets through: a loop ends here. Default 10,000. */
  readonly most?: number;
}

/** Gives a tap a name on the lab's network. It ends when the tap is closed. */
export async function reachable(
  host: Host,
  tap: Tap,
  broker: Broker,
  options: { readonly name: string; readonly most?: number },
  progress?: Progress,
): Promise<BridgeTap> {
  const { name, most = MOST_PACKETS } = options;
  let packets = 0;
  tap.freeze(() => ++packets > most, { count: Number.POSITIVE_INFINITY });
  const target = { host: tap.host, port: tap.port };
  const door = await host.door({ name, port: 1883, target, behind: broker.inner }, progress).catch(async (error) => {
    await tap.close();
    throw error;
  });
  const close = tap.close.bind(tap);
  return Object.defineProperties(tap, {
    addressFor: { value: () => door.address },
    close: {
      value: async () => {
        await door.remove();
        await close();
      },
    },
  }) as BridgeTap;
}

/** @throws LabError BAD_ARGUMENT: bridges go to brokers. */
export function notABroker(): LabError {
  return new LabError(
    "BAD_ARGUMENT",
    "only a tap on a broker can stand on a bridge's way",
    "write lab.tap(hub, { bridges: true })",
  );
}
