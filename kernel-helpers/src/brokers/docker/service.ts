import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import type { EngineService, Progress, ServicePlan } from "../engine";
import { checkedName } from "../plan";
import { freePort, randomPort, returnPort } from "../ports";
import { pack } from "../tar";
import { isRemote } from "./address";
import { Box, foldersOf } from "./box";
import { ownerLabels } from "./cleanup";
import { isPortTaken } from "./client";
import { serviceImage } from "./images";
import type { DockerHere } from "./index";

/** Starts a container of another kind on the lab's network. Ready = its program still runs a moment later. */
export async function startService(
  here: DockerHere,
  plan: ServicePlan,
  scope: Scope,
  progress?: Progress,
): Promise<EngineService> {
  checkedName(plan.name, "a service");
  const image = await serviceImage(here.docker, plan.image, progress);
  for (let tries = 1; ; tries++) {
    const ports = new Map<number, { host: string; hostPort: number }>();
    for (const port of plan.ports) {
      const hostPort = isRemote(here.address) ? randomPort() : await freePort(here.publish.bind);
      ports.set(port, { host: here.publish.reach, hostPort });
    }
    const box = await createService(here, plan, scope, image.id, ports);
    try {
      await box.start();
      await stillRuns(box);
      return service(plan, box, ports);
    } catch (error) {
      await box.remove();
      if (!isPortTaken(error) || tries === 5) throw error;
    }
  }
}

async function createService(
  here: DockerHere,
  plan: ServicePlan,
  scope: Scope,
  image: string,
  ports: ReadonlyMap<number, { hostPort: number }>,
): Promise<Box> {
  const network = here.network(scope, plan.lab);
  const bindings = [...ports].map(([port, { hostPort }]) => [
    `${port}/tcp`,
    [{ HostIp: here.publish.bind, HostPort: String(hostPort) }],
  ]);
  const folders = foldersOf(plan.files.map((file) => file.path));
  const files = plan.files.map((file) => ({ ...file, path: file.path.slice(1) }));
  const box = await Box.create(
    here.docker,
    scope,
    plan.name,
    {
      Image: image,
      Hostname: plan.name,
      Labels: ownerLabels(scope.session, plan.lab, plan.name),
      Env: Object.entries(plan.env).map(([key, value]) => `${key}=${value}`),
      ...(plan.command ? { Cmd: [...plan.command] } : {}),
      ExposedPorts: Object.fromEntries(bindings.map(([port]) => [port, {}])),
      HostConfig: { NetworkMode: "bridge", PortBindings: Object.fromEntries(bindings) },
    },
    await network.main(),
    files.length ? pack(files, { uid: 0, gid: 0 }, folders) : null,
  );
  await network.join(box);
  return box;
}

async function stillRuns(box: Box): Promise<void> {
  const exit = await Promise.race([box.exited(), new Promise<null>((resolve) => setTimeout(() => resolve(null), 150))]);
  if (!exit) return;
  throw new LabError(
    "BROKER_EXITED",
    `${box.name} ended ${exit.signal ? `by ${exit.signal}` : `with exit code ${exit.code}`}. Its last lines:\n${box.log.tail()}`,
    "mend what its last line names, then run the cell again",
  );
}

function service(
  plan: ServicePlan,
  box: Box,
  ports: ReadonlyMap<number, { host: string; hostPort: number }>,
): EngineService {
  return {
    name: plan.name,
    ports,
    log: box.log,
    exec: (command, options) => box.exec(command, options),
    stop: async () => void (await box.stop()),
    start: async () => {
      if (box.state === "exited") await box.start();
    },
    pause: () => box.pause(),
    resume: () => box.resume(),
    remove: async () => {
      await box.remove();
      for (const { hostPort } of ports.values()) returnPort(hostPort);
    },
    addressFor: (port) => `${plan.name}:${port}`,
  };
}
