/** A stand-in for a kernel, run as a process of its own: starts two brokers, says what it has, and waits to be killed. */
import { dockerEngine } from "kernel-helpers/dist/brokers/docker";
import { DockerBroker } from "kernel-helpers/dist/brokers/docker/broker";
import type { EngineBroker } from "kernel-helpers/dist/brokers/engine";
import { localEngine } from "kernel-helpers/dist/brokers/local";
import type { LocalBroker } from "kernel-helpers/dist/brokers/local/broker";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import { openScope } from "kernel-helpers/dist/kernel/watch";

export interface VictimReport {
  readonly pid: number;
  readonly session: string;
  readonly folder: string;
  readonly brokers: (string | number)[];
}

const idOf = (broker: EngineBroker): string | number =>
  broker instanceof DockerBroker ? broker.box.container.id : (broker as LocalBroker).pid!;

async function main(): Promise<void> {
  process.on("SIGINT", () => process.stdout.write("interrupted\n"));
  const engine = process.argv[2] === "docker" ? dockerEngine() : localEngine();
  const scope = await openScope("victim");
  const conf = "listener 1883\nallow_anonymous true\n";
  const brokers = await Promise.all(
    ["a", "b"].map((name) => engine.start(planBroker("victim", { name, conf }), scope)),
  );
  if (process.argv[3] === "paused") await brokers[0]!.pause();
  const report: VictimReport = {
    pid: process.pid,
    session: scope.session.id,
    folder: scope.folder,
    brokers: brokers.map(idOf),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  setInterval(() => {}, 60_000);
}

void main();
