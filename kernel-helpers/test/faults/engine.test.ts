/** An engine that this user may not use, a broker that ends at once, and one that cannot be built. */
import assert from "node:assert/strict";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { findDocker } from "kernel-helpers/dist/brokers/docker/address";
import { dockerAt, LABEL } from "kernel-helpers/dist/brokers/docker/client";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import type { LabError } from "kernel-helpers/dist/core/errors";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { child, engineHere, RELEASE, scopeOf } from "./machine";

const SOCKET = "/var/run/docker.sock";
/** Nobody, in the kernel's own numbers. */
const NOBODY = 65534;

const asRoot = process.getuid?.() === 0;
const withoutDocker = { ...process.env, DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined, MQTT_LAB_ENGINE: undefined };

/** The built course in a folder of its own, as another user or with other recipes would have it. @returns its dist. */
function courseCopy(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "course-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const helpers = join(root, "kernel-helpers");
  mkdirSync(helpers);
  for (const folder of ["docker", "kernel-helpers/dist", "kernel-helpers/package.json"])
    cpSync(join(courseRoot, folder), join(root, folder), { recursive: true });
  symlinkSync(join(courseRoot, "node_modules"), join(root, "node_modules"));
  return join(helpers, "dist");
}

test("a socket without permission: the next engine, and one notice with the command that mends it", {
  timeout: 120_000,
}, async (t) => {
  if (!asRoot) return t.skip("only root can ask as another user");
  if (!(await engineHere(t, "docker"))) return;
  try {
    accessSync(SOCKET, constants.F_OK);
  } catch {
    return t.skip(`the engine's socket is not ${SOCKET} here`);
  }
  const said = await child(
    `const {engine,notices}=await selectEngine();
    return {kind:engine.kind,notices};`,
    { uid: NOBODY, env: { ...withoutDocker, HOME: "/" } },
  );
  t.diagnostic(JSON.stringify(said));
  const notices = said.notices as string[];
  if (said.kind === "docker") return t.skip("everybody may use the engine here");
  assert.match(String(said.kind), /^(embedded|local)$/);
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? "", /this user may not use it\. Try: sudo usermod -aG docker/);
});

for (const kind of ["docker", "embedded", "local"] as const) {
  test(`${kind}: a broker that ends at once: its exit code and last lines within a second of its end`, {
    timeout: 60_000,
  }, async (t) => {
    const engine = await engineHere(t, kind);
    if (!engine) return;
    const conf = "listener 1883\npassword_file /mosquitto/config/none\n";
    const plan = planBroker("faults", { conf, mosquitto: RELEASE[kind], timeout: 90_000 });
    const late: number[] = [];
    // A machine that does much else is slow at everything: only what is late each time waits for something.
    while (late.length < 3 && Math.min(...late) >= 1_000) {
      const scope = await scopeOf(t);
      const began = Date.now();
      await assert.rejects(engine.start(plan, scope), (error: LabError) => {
        assert.equal(error.code, "BROKER_EXITED");
        assert.match(error.message, /ended with exit code \d+ before it was ready/);
        assert.match(error.message, /\/mosquitto\/config\/none/);
        assert.match(error.hint, /the last line/);
        if (!late.length) t.diagnostic(String(error));
        return true;
      });
      const told = Date.now();
      assert.ok(told - began < 45_000, "it must not wait for the deadline");
      // Until a container is made and runs is the engine's own time; the others' whole start counts.
      late.push(told - (kind === "docker" ? await diedAt(scope.session.id, began) : began));
    }
    t.diagnostic(`${late.map(Math.round).join(", ")} ms after ${kind === "docker" ? "its end" : "the call"}`);
    assert.ok(Math.min(...late) < 1_000, `${late.map(Math.round).join(", ")} ms`);
  });
}

/** When a session's container ended, by the engine's own clock. */
async function diedAt(session: string, since: number): Promise<number> {
  const docker = dockerAt((await findDocker()).address);
  const filters = { event: ["die"], label: [`${LABEL.session}=${session}`] };
  const events = await docker.getEvents({ since: since / 1_000, until: Math.ceil(Date.now() / 1_000), filters });
  let text = "";
  for await (const chunk of events) text += String(chunk);
  const [first] = text.trim().split("\n");
  return (JSON.parse(first ?? "") as { timeNano: number }).timeNano / 1e6;
}

test("docker: an image whose base is nowhere: named, with what to do, and the image that is here stays", {
  timeout: 120_000,
}, async (t) => {
  if (!(await engineHere(t, "docker"))) return;
  const dist = courseCopy(t);
  const recipe = join(dirname(dirname(dist)), "docker", "mosquitto", "Dockerfile");
  const text = readFileSync(recipe, "utf8");
  const other = text.replace(/^FROM .*$/m, "FROM nowhere.invalid/no-such-base:1");
  assert.notEqual(other, text);
  writeFileSync(recipe, other);
  const said = await child(
    `const images=async()=>(await new (require(require.resolve("dockerode",{paths:[D]})))().getImage("mqtt-notebooks/mosquitto:2.1").inspect().catch(()=>({Id:null}))).Id;
    const before=await images();
    const scope=await openScope("faults");
    const {engine}=await selectEngine({wanted:"docker"});
    const failed=await engine.start(planBroker("faults",{conf:"listener 1883"}),scope).then(()=>null,told);
    const folder=scope.folder;
    await scope.close();
    return {failed,same:before===await images(),left:require("fs").existsSync(folder)};`,
    { dist },
  );
  t.diagnostic(JSON.stringify(said));
  const failed = said.failed as { code: string; message: string; hint: string } | null;
  assert.equal(failed?.code, "IMAGE_UNAVAILABLE", JSON.stringify(said));
  assert.match(failed.message, /mosquitto:2\.1 is not here and could not be made: [\s\S]*nowhere\.invalid/);
  assert.match(failed.hint, /internet.+docker\/engine-up\.sh/);
  assert.equal(said.same, true);
  assert.equal(said.left, false);
});

test("two users on one host: each has its broker, its ports and its messages, and sweeps its own leftovers only", {
  timeout: 60_000,
}, async (t) => {
  if (!asRoot) return t.skip("only root can be two users");
  if (!(await engineHere(t, "local"))) return;
  const dist = courseCopy(t);
  const cache = join(dirname(dirname(dist)), ".cache");
  mkdirSync(cache);
  chmodSync(dirname(dirname(dist)), 0o755);
  chownSync(cache, NOBODY, NOBODY);
  const one = `
    const scope=await openScope("two-users");
    try{
      const {engine}=await selectEngine({wanted:"local"});
      const broker=await engine.start(planBroker("two-users",{mosquitto:"2.0.11",conf:"listener 1883\\nallow_anonymous true"}),scope);
      const {url,hostPort}=broker.listeners[0];
      const client=await mqtt.connectAsync(url,{clientId:"same-id",reconnectPeriod:0});
      const heard=[];
      client.on("message",(topic,payload)=>heard.push(payload.toString()));
      await client.subscribeAsync("same/topic",{qos:1});
      const {setTimeout:wait}=require("timers/promises"),fs=require("fs");
      const mark=process.env.MARK,other=process.env.OTHER;
      fs.writeFileSync(mark,"here",{mode:0o644});
      for(let tries=0;!fs.existsSync(other)&&tries<400;tries++) await wait(50);
      await engine.sweep();
      await client.publishAsync("same/topic",String(process.getuid()),{qos:1});
      const state=client.connected;
      await client.endAsync();
      return {uid:process.getuid(),hostPort,heard,state,both:fs.existsSync(other)};
    }finally{await scope.close()}`;
  const marks = mkdtempSync(join(tmpdir(), "marks-"));
  t.after(() => rmSync(marks, { recursive: true }));
  chmodSync(marks, 0o777);
  const [mine, theirs] = [join(marks, "mine"), join(marks, "theirs")];
  const [first, second] = await Promise.all([
    child(one, { env: { ...process.env, MARK: mine, OTHER: theirs } }),
    child(one, { dist, uid: NOBODY, env: { ...process.env, HOME: "/", MARK: theirs, OTHER: mine } }),
  ]);
  t.diagnostic(JSON.stringify([first, second]));
  assert.deepEqual([first.uid, second.uid], [0, NOBODY]);
  assert.deepEqual([first.both, second.both], [true, true], "they ran at the same time");
  assert.deepEqual([first.heard, second.heard], [["0"], [String(NOBODY)]]);
  assert.deepEqual([first.state, second.state], [true, true]);
  assert.notEqual(first.hostPort, second.hostPort);
});
