/** A container for code that nobody trusts: no network, no root, nothing to write to but memory disks with a limit. */
import { randomBytes } from "node:crypto";
import { Duplex, PassThrough } from "node:stream";
import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import { currentSession } from "../../core/session";
import type { Progress } from "../engine";
import { type DockerAddress, findDocker, publishAddress } from "./address";
import { ownerLabels, removeContainer } from "./cleanup";
import { call, dockerAt, LABEL, statusOf } from "./client";
import { serviceImage } from "./images";

/** What a sealed container may take. */
export interface SealedLimits {
  /** Bytes; there is no swap beside. */
  readonly memory: number;
  /** Bytes of each memory disk. */
  readonly disk: number;
  readonly processes: number;
  /** Of the machine's processors. */
  readonly processors: number;
}

export interface SealedPlan {
  readonly name: string;
  readonly lab: string;
  readonly command: readonly string[];
  /** The volume that is mounted, to read only, and where. */
  readonly volume: { readonly name: string; readonly at: string };
  readonly limits: SealedLimits;
  /** Memory disks, by path. */
  readonly writable: readonly string[];
  readonly env: readonly string[];
}

export interface Sealed {
  /** Standard input and output of its program. */
  readonly stream: Duplex;
  /** Its standard error, what was written last. */
  readonly said: () => string;
  readonly ended: Promise<void>;
  remove(): Promise<void>;
}

const FOLDER = "grading";
/** How much of standard error is kept, in characters. */
const TAIL = 4_000;

export interface SealingEngine {
  readonly docker: Docker;
  readonly address: DockerAddress;
}

/** The engine that answers here and publishes on this machine, or undefined. Sealed containers are made at no other. */
export async function sealingEngine(): Promise<SealingEngine | undefined> {
  try {
    const { address } = await findDocker();
    const { reach } = await publishAddress(address);
    // What a sealed kernel is told of brokers are this machine's own addresses.
    return reach === "127.0.0.1" ? { address, docker: dockerAt(address) } : undefined;
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

/** The image of docker/grading, made at first use. */
export const sealedImage = async (docker: Docker, progress?: Progress): Promise<string> =>
  (await serviceImage(docker, FOLDER, progress)).id;

/** Starts it. Whoever called removes it; a sweep does when that process is gone. */
export async function openSealed(docker: Docker, plan: SealedPlan): Promise<Sealed> {
  const image = await sealedImage(docker);
  const { limits } = plan;
  const container = await call(`creating ${plan.name}`, () =>
    docker.createContainer({
      name: `mqtt-notebooks-${plan.name}-${randomBytes(4).toString("hex")}`,
      Image: image,
      Cmd: [...plan.command],
      Env: [...plan.env],
      Labels: ownerLabels(currentSession(), plan.lab, plan.name),
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: {
        NetworkMode: "none",
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Memory: limits.memory,
        MemorySwap: limits.memory,
        PidsLimit: limits.processes,
        NanoCpus: limits.processors * 1e9,
        Ulimits: [
          { Name: "core", Soft: 0, Hard: 0 },
          { Name: "nofile", Soft: 4_096, Hard: 4_096 },
        ],
        // Ports that its own programs are given stay apart from those that brokers have.
        Sysctls: { "net.ipv4.ip_local_port_range": "10000 30000" },
        Mounts: [{ Type: "volume", Source: plan.volume.name, Target: plan.volume.at, ReadOnly: true }],
        Tmpfs: Object.fromEntries(
          plan.writable.map((path) => [path, `rw,nosuid,nodev,size=${limits.disk},uid=1885,gid=1885,mode=0700`]),
        ),
        LogConfig: { Type: "none", Config: {} },
      },
    }),
  );
  try {
    return await begin(docker, container, plan.name);
  } catch (error) {
    await removeContainer(docker, container.id);
    throw error;
  }
}

async function begin(docker: Docker, container: Docker.Container, name: string): Promise<Sealed> {
  const wire = (await call(`starting ${name}`, () =>
    container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
  )) as unknown as Duplex;
  const output = new PassThrough();
  const errors = new PassThrough();
  let said = "";
  errors.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-TAIL);
  });
  docker.modem.demuxStream(wire, output, errors);
  const ended = new Promise<void>((resolve) =>
    wire
      .once("close", resolve)
      .once("end", resolve)
      .once("error", () => resolve()),
  );
  void ended.then(() => output.end());
  await call(`starting ${name}`, () => container.start());
  const stream = Duplex.from({ readable: output, writable: wire });
  stream.on("error", () => undefined);
  return {
    stream,
    said: () => said.trim(),
    ended,
    remove: async () => {
      wire.destroy();
      await removeContainer(docker, container.id);
    },
  };
}

/** Removes volumes of this owner's that hold what an earlier edition had. Those that a container uses stay. */
export async function removeOldVolumes(docker: Docker, owner: string, except: string): Promise<void> {
  const filters = { label: [`${LABEL.lab}=${owner}`] };
  const { Volumes } = await call("looking for old volumes", () => docker.listVolumes({ filters }));
  for (const { Name } of Volumes ?? []) {
    if (Name.startsWith(except)) continue;
    // In use: it goes the next time.
    await docker
      .getVolume(Name)
      .remove()
      .catch(() => undefined);
  }
}

/**
 * A volume that holds the files of an archive, made when there is none of this name.
 * @param finish a shell script that runs once in the filled volume, at `at`.
 */
export async function filledVolume(
  docker: Docker,
  { name, owner, at }: { name: string; owner: string; at: string },
  archive: () => Buffer,
  finish: string,
): Promise<void> {
  const ready = `${name}-ready`;
  if (await exists(docker, ready)) return;
  const labels = { [LABEL.uid]: String(currentSession().uid), [LABEL.lab]: owner, [LABEL.name]: name };
  const image = await sealedImage(docker);
  await call(`making the volume ${name}`, () => docker.createVolume({ Name: name, Labels: labels }));
  const container = await call(`filling ${name}`, () =>
    docker.createContainer({
      Image: image,
      User: "0:0",
      Cmd: ["sh", "-c", finish],
      WorkingDir: at,
      Labels: ownerLabels(currentSession(), "grading", name),
      HostConfig: { NetworkMode: "none", Mounts: [{ Type: "volume", Source: name, Target: at }] },
    }),
  );
  try {
    await call(`filling ${name}`, () => container.putArchive(archive(), { path: at }));
    await call(`filling ${name}`, () => container.start());
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    if (StatusCode !== 0)
      throw new LabError("ENGINE_CANNOT", `the volume ${name} could not be filled`, "npm run doctor");
    // An empty volume beside it says that this one is whole: an engine has no other way to set a mark.
    await call(`making the volume ${ready}`, () => docker.createVolume({ Name: ready, Labels: labels }));
  } finally {
    await removeContainer(docker, container.id);
  }
}

async function exists(docker: Docker, volume: string): Promise<boolean> {
  try {
    await docker.getVolume(volume).inspect();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
