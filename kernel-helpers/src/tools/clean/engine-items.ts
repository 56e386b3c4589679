/** What of ours a container engine holds: told by labels whose keys begin with "mqtt-notebooks.", by nothing else. */
import type Docker from "dockerode";
import { findDocker } from "../../brokers/docker/address";
import { callGone, dockerAt, LABEL } from "../../brokers/docker/client";
import { LabError } from "../../core/errors";

/** One thing that can be removed. */
export interface Item {
  readonly what: string;
  /** Disk that it takes; null where nobody can tell. */
  readonly bytes: number | null;
  remove(): Promise<void>;
}

type Labels = Readonly<Record<string, string>> | null | undefined;

const isOurs = (labels: Labels): boolean => Object.keys(labels ?? {}).some((key) => key.startsWith("mqtt-notebooks."));

/** Another user's labs on a shared engine are theirs. Images are nobody's. */
const isMine = (labels: Labels): boolean => {
  const owner = labels?.[LABEL.uid];
  return isOurs(labels) && (owner === undefined || owner === String(process.getuid?.() ?? 0));
};

interface Usage {
  Containers?: { Id: string; Names?: string[]; Labels?: Labels; SizeRw?: number; State?: string }[] | null;
  Images?: { Id: string; RepoTags?: string[] | null; Labels?: Labels; Size: number; SharedSize?: number }[] | null;
  Volumes?: { Name: string; Labels?: Labels; UsageData?: { Size: number } | null }[] | null;
}

/**
 * In the order in which they can go: containers before what they use.
 * @returns null when no engine answers, with what was said.
 */
export async function engineItems(): Promise<Item[] | LabError> {
  let docker: Docker;
  try {
    docker = dockerAt((await findDocker()).address);
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  const [usage, networks] = await Promise.all([docker.df() as Promise<Usage>, docker.listNetworks()]);
  return [
    ...containers(docker, usage),
    ...networks
      .filter(({ Labels }) => isMine(Labels))
      .map(({ Id, Name }) => ({
        what: `network ${Name}`,
        bytes: 0,
        remove: () => callGone("removing a network", () => docker.getNetwork(Id).remove()),
      })),
    ...volumes(docker, usage),
    ...images(docker, usage),
  ];
}

function containers(docker: Docker, { Containers }: Usage): Item[] {
  return (Containers ?? [])
    .filter(({ Labels }) => isMine(Labels))
    .map(({ Id, Names, SizeRw, State }) => ({
      what: `container ${Names?.[0]?.slice(1) ?? Id.slice(0, 12)}${State === "running" ? " (running: a lab uses it)" : ""}`,
      bytes: SizeRw ?? 0,
      remove: () => callGone("removing a container", () => docker.getContainer(Id).remove({ force: true, v: true })),
    }));
}

function volumes(docker: Docker, { Volumes }: Usage): Item[] {
  return (Volumes ?? [])
    .filter(({ Labels }) => isMine(Labels))
    .map(({ Name, UsageData }) => ({
      what: `volume ${Name}`,
      bytes: UsageData && UsageData.Size >= 0 ? UsageData.Size : null,
      remove: () => callGone("removing a volume", () => docker.getVolume(Name).remove()),
    }));
}

/** What an image shares with its base stays, so it isn't counted. */
function images(docker: Docker, { Images }: Usage): Item[] {
  return (Images ?? [])
    .filter(({ Labels }) => isOurs(Labels))
    .map(({ Id, RepoTags, Size, SharedSize }) => ({
      what: `image ${RepoTags?.join(", ") || Id.slice(7, 19)}`,
      bytes: SharedSize !== undefined && SharedSize >= 0 ? Size - SharedSize : Size,
      remove: () => callGone("removing an image", () => docker.getImage(Id).remove({ force: true })),
    }));
}
