import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { dockerEngine } from "kernel-helpers/dist/brokers/docker";
import { findDocker } from "kernel-helpers/dist/brokers/docker/address";
import { removeLabelled } from "kernel-helpers/dist/brokers/docker/cleanup";
import { dockerAt, LABEL } from "kernel-helpers/dist/brokers/docker/client";
import { localEngine } from "kernel-helpers/dist/brokers/local";
import { findProgram } from "kernel-helpers/dist/brokers/local/machine";
import { sweepFolders } from "kernel-helpers/dist/brokers/sweep";
import { currentSession, isAlive, ownerState, processStarted } from "kernel-helpers/dist/core/session";
import { until } from "kernel-helpers/dist/core/until";
import { openScope, sessionFolder } from "kernel-helpers/dist/kernel/watch";
import type { VictimReport } from "./victim";

const docker = findDocker().catch(() => null);

async function lacking(engine: string): Promise<string | null> {
  if (engine === "docker") return (await docker) ? null : "no container engine answers here";
  return findProgram("mosquitto") ? null : "mosquitto is not installed here";
}

/** Starts a victim, by way of a shell in between where `parent` is set, and waits until its brokers run. */
async function victim(
  t: TestContext,
  words: string[],
  parent = false,
): Promise<{ child: ChildProcess; report: VictimReport }> {
  const script = join(__dirname, "victim.js");
  const direct = [process.execPath, script, ...words];
  const [program, ...args] = parent ? ["sh", "-c", '"$@" & wait', "sh", ...direct] : direct;
  const child = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  t.after(() => endGroup(child));
  const [line] = await Promise.race([
    new Promise<string[]>((resolve) =>
      createInterface({ input: child.stdout! }).once("line", (text) => resolve([text])),
    ),
    new Promise<never>((_, reject) => child.once("exit", () => reject(new Error("the victim ended early")))),
  ]);
  return { child, report: JSON.parse(line!) as VictimReport };
}

function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
  }
}

async function isThere(engine: string, broker: string | number): Promise<boolean> {
  if (engine === "local") return processStarted(broker as number) !== null;
  const found = await docker;
  return dockerAt(found!.address)
    .getContainer(broker as string)
    .inspect()
    .then(
      () => true,
      (error: { statusCode: number }) => {
        if (error.statusCode === 404) return false;
        throw error;
      },
    );
}

async function networksOf(session: string): Promise<number> {
  const found = await docker;
  if (!found) return 0;
  const filters = { label: [`${LABEL.session}=${session}`] };
  return (await dockerAt(found.address).listNetworks({ filters })).length;
}

/** The wait is bounded generously: how fast it goes is for the bench. */
async function allGone(engine: string, report: VictimReport): Promise<void> {
  const options = { timeout: 15_000 };
  for (const broker of report.brokers)
    await until(`broker ${broker} is gone`, async () => !(await isThere(engine, broker)), options);
  await until("its networks are gone", async () => (await networksOf(report.session)) === 0, options);
  await until("its folder is gone", () => !existsSync(dirname(report.folder)), options);
}

for (const engine of ["docker", "local"]) {
  for (const [how, words, parent, act] of [
    ["the kernel is killed", [], false, (_: ChildProcess, report: VictimReport) => process.kill(report.pid, "SIGKILL")],
    [
      "the kernel is killed while a broker is paused",
      ["paused"],
      false,
      (_: ChildProcess, report: VictimReport) => process.kill(report.pid, "SIGKILL"),
    ],
    [
      "the kernel and its parent are killed at once",
      [],
      true,
      (child: ChildProcess) => process.kill(-child.pid!, "SIGKILL"),
    ],
  ] as const) {
    test(`${engine}: nothing is left when ${how}`, { timeout: 60_000 }, async (t) => {
      const reason = await lacking(engine);
      if (reason) return t.skip(reason);
      const { child, report } = await victim(t, [engine, ...words], parent);
      for (const broker of report.brokers) assert.equal(await isThere(engine, broker), true);
      act(child, report);
      await allGone(engine, report);
    });
  }

  test(`${engine}: an interrupt of the kernel's process group reaches no broker`, { timeout: 60_000 }, async (t) => {
    const reason = await lacking(engine);
    if (reason) return t.skip(reason);
    const { child, report } = await victim(t, [engine]);
    const heard = new Promise((resolve) => child.stdout!.once("data", resolve));
    process.kill(-child.pid!, "SIGINT");
    await heard;
    for (const broker of report.brokers) assert.equal(await isThere(engine, broker), true);
    process.kill(report.pid, "SIGKILL");
    await allGone(engine, report);
  });
}

test("docker: a sweep removes what dead kernels of this user left, and nothing else", {
  timeout: 60_000,
}, async (t) => {
  const reason = await lacking("docker");
  if (reason) return t.skip(reason);
  const client = dockerAt((await docker)!.address);
  const me = currentSession();
  const dead = { ...me, pid: 4_194_000, started: "1" };
  const cases = [
    { what: "dead kernel", session: { ...dead, id: "t-dead" }, swept: true },
    { what: "number used again", session: { ...me, id: "t-reused", started: "1" }, swept: true },
    { what: "live kernel", session: { ...me, id: "t-live" }, swept: false },
    { what: "other user", session: { ...dead, id: "t-user", uid: me.uid + 1 }, swept: false },
    { what: "other machine", session: { ...dead, id: "t-machine", boot: "0123456789ab.0" }, swept: false },
    {
      what: "earlier boot, no record",
      session: { ...dead, id: "t-twin", boot: `${me.boot.split(".")[0]}.0` },
      swept: false,
    },
    {
      what: "earlier boot, our record",
      session: { ...dead, id: `t-power-${process.pid}`, boot: `${me.boot.split(".")[0]}.0` },
      swept: true,
    },
  ];
  const recorded = cases.at(-1)!.session;
  mkdirSync(sessionFolder(recorded.id), { recursive: true });
  writeFileSync(join(sessionFolder(recorded.id), "session.json"), JSON.stringify(recorded));
  const made = await Promise.all(
    cases.map(({ session }, index) =>
      client.createNetwork({
        Name: `mqtt-notebooks-sweep-${process.pid}-${index}`,
        Labels: {
          [LABEL.session]: session.id,
          [LABEL.uid]: String(session.uid),
          [LABEL.boot]: session.boot,
          [LABEL.pid]: String(session.pid),
          [LABEL.started]: session.started,
        },
      }),
    ),
  );
  const plain = await client.createNetwork({ Name: `not-ours-${process.pid}` });
  t.after(() => Promise.all([...made, plain].map((network) => network.remove().catch(() => undefined))));
  await dockerEngine().sweep();
  const left = new Set((await client.listNetworks()).map((network) => network.Id));
  for (const [index, { what, swept }] of cases.entries()) assert.equal(left.has(made[index]!.id), !swept, what);
  assert.equal(left.has(plain.id), true);
  assert.equal(existsSync(sessionFolder(recorded.id)), false);
});

test("docker: a network that a container is still leaving goes when it has left", { timeout: 60_000 }, async (t) => {
  const reason = await lacking("docker");
  if (reason) return t.skip(reason);
  const client = dockerAt((await docker)!.address);
  const session = `t-leaving-${process.pid}`;
  const Labels = { [LABEL.session]: session };
  const network = await client.createNetwork({ Name: `mqtt-notebooks-leaving-${process.pid}`, Labels });
  const ours = /^(mqtt-notebooks\/mosquitto|debian):/;
  const image = (await client.listImages()).find(({ RepoTags }) => RepoTags?.some((tag) => ours.test(tag)));
  const guest = await client.createContainer({
    Image: image!.Id,
    Cmd: ["sleep", "60"],
    Entrypoint: [],
    HostConfig: { NetworkMode: network.id },
  });
  t.after(() => guest.remove({ force: true }).catch(() => undefined));
  await guest.start();
  const removal = removeLabelled(client, session);
  await client.getNetwork(network.id).inspect();
  await guest.remove({ force: true });
  assert.deepEqual(await removal, [`network mqtt-notebooks-leaving-${process.pid}`]);
  await assert.rejects(network.inspect(), /404/);
});

test("local: a sweep ends processes that a dead kernel left, and only those", async (t) => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 60000)"], { stdio: "ignore" });
  const left = spawn(process.execPath, ["-e", "setInterval(() => {}, 60000)"], { stdio: "ignore" });
  t.after(() => [other, left].map((child) => child.kill("SIGKILL")));
  const session = { ...currentSession(), id: `t-local-${process.pid}`, pid: 4_194_000, started: "1" };
  const home = sessionFolder(session.id);
  const record = (name: string, content: unknown) => {
    mkdirSync(join(home, "scope", name), { recursive: true });
    writeFileSync(
      join(home, "scope", name, "process.json"),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  };
  record("left-1", { pid: left.pid, started: processStarted(left.pid!) });
  record("reused-1", { pid: other.pid, started: "1" });
  record("broken-1", "{");
  writeFileSync(join(home, "session.json"), JSON.stringify(session));
  const { removed } = await localEngine().sweep();
  assert.ok(removed.some((what) => what.includes(String(left.pid))));
  await until("the process has ended", () => processStarted(left.pid!) === null);
  assert.notEqual(processStarted(other.pid!), null);
  assert.equal(existsSync(home), false);
});

test("a session that had containers keeps its record until they were looked for", () => {
  const session = { ...currentSession(), id: `t-kept-${process.pid}`, pid: 4_194_000, started: "1" };
  const home = sessionFolder(session.id);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "session.json"), JSON.stringify(session));
  writeFileSync(join(home, "containers"), "");
  sweepFolders({ containersGone: false });
  assert.equal(existsSync(home), true);
  sweepFolders({ containersGone: true });
  assert.equal(existsSync(home), false);
});

test("an owner is judged by number and start together", () => {
  const me = currentSession();
  assert.equal(ownerState(me), "alive");
  assert.equal(isAlive({ pid: process.pid, started: "1" }), false);
  assert.equal(ownerState({ ...me, boot: "x.y" }), "elsewhere");
  assert.equal(ownerState({ ...me, boot: `${me.boot.split(".")[0]}.earlier` }), "dead");
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) assert.equal(processStarted(pid), null);
  if (process.platform === "linux") assert.match(me.started, /^\d+$/);
});

test("a scope has a folder of its own, for its owner only, and leaves none", async () => {
  const [a, b] = await Promise.all([openScope("x"), openScope("x")]);
  assert.notEqual(a.folder, b.folder);
  const record = JSON.parse(readFileSync(join(dirname(a.folder), "session.json"), "utf8"));
  assert.equal(record.pid, process.pid);
  await Promise.all([a.close(), b.close()]);
  assert.equal(existsSync(a.folder), false);
  assert.throws(() => a.add("late", async () => {}), { code: "NOT_IN_A_LAB" });
});
