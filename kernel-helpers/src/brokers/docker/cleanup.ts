/** Removes what a session left at an engine: used at the end of a kernel, and by the sweep of a later one. */
import type Docker from "dockerode";
import type { Session } from "../../core/scope";
import type { DockerAddress } from "./address";
import { callGone, dockerAt, LABEL, statusOf } from "./client";

/** Everything with this session's label goes, but named volumes. Twice: a creation may have been under way. */
export async function removeSession(address: unknown, session: string): Promise<string[]> {
  const docker = dockerAt(address as DockerAddress);
  const removed = await removeLabelled(docker, session);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return [...removed, ...(await removeLabelled(docker, session))];
}

/** How often a network is tried that a container is still leaving, and how long is waited in between, in milliseconds. */
const TRIES = 50;
const PAUSE = 100;

/** @returns what was removed, in words. */
export async function removeLabelled(docker: Docker, session: string): Promise<string[]> {
  const removed = new Set<string>();
  for (let tries = 1; ; tries++) {
    try {
      await removeNow(docker, session, removed);
      return [...removed];
    } catch (error) {
      // "has active endpoints": whoever else cleans up after this session has not ended its containers yet.
      if (statusOf(error) !== 403 || tries === TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

async function removeNow(docker: Docker, session: string, removed: Set<string>): Promise<void> {
  const filters = { label: [`${LABEL.session}=${session}`] };
  const containers = await docker.listContainers({ all: true, filters });
  for (const { Id, Names } of containers) removed.add(`container ${Names[0]?.slice(1) ?? Id}`);
  await Promise.all(containers.map(({ Id }) => removeContainer(docker, Id)));
  const networks = await docker.listNetworks({ filters });
  for (const { Name } of networks) removed.add(`network ${Name}`);
  await Promise.all(networks.map(({ Id }) => callGone("removing a network", () => docker.getNetwork(Id).remove())));
}

/** With its anonymous volumes. */
export function removeContainer(docker: Docker, id: string): Promise<void> {
  return callGone("removing a container", () => docker.getContainer(id).remove({ force: true, v: true }));
}

/** The owners that labels of containers and networks name. */
export async function labelledSessions(docker: Docker): Promise<Session[]> {
  const filters = { label: [LABEL.session] };
  const [containers, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
  ]);
  const owners = new Map<string, Session>();
  for (const { Labels } of [...containers, ...networks]) {
    const owner = ownerOf(Labels ?? {});
    if (owner) owners.set(owner.id, owner);
  }
  return [...owners.values()];
}

function ownerOf(labels: Record<string, string>): Session | null {
  const [id, boot, pid, uid] = [labels[LABEL.session], labels[LABEL.boot], labels[LABEL.pid], labels[LABEL.uid]];
  if (!id || !boot || !pid || !uid) return null;
  return { id, boot, pid: Number(pid), uid: Number(uid), started: labels[LABEL.started] ?? "" };
}

export function ownerLabels(session: Session, lab: string, name: string): Record<string, string> {
  return {
    [LABEL.session]: session.id,
    [LABEL.uid]: String(session.uid),
    [LABEL.boot]: session.boot,
    [LABEL.pid]: String(session.pid),
    [LABEL.started]: session.started,
    [LABEL.lab]: lab,
    [LABEL.name]: name,
  };
}
