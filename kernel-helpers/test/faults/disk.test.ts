/** No room left where a lab keeps its files. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import test from "node:test";
import { cachePath } from "kernel-helpers/dist/core/paths";
import { child, engineHere, privateMounts, RELEASE, withMounts } from "./machine";

interface Told {
  code: string;
  message: string;
  hint: string;
}

const FILL = `const fs=require("fs"),path=require("path"),sessions=require(D+"/core/paths").cachePath("sessions");
  const filler=path.join(sessions,"filler");
  const fill=()=>{
    const file=fs.openSync(filler,"a");
    for(const size of [65536,4096,1]) try{for(;;) fs.writeSync(file,Buffer.alloc(size))}catch(e){if(e.code!=="ENOSPC") throw e}
    fs.closeSync(file);
  };
  const free=()=>fs.rmSync(filler,{force:true});`;

function isDiskFull(told: unknown, place: RegExp): void {
  const { code, message, hint } = told as Told;
  assert.equal(code, "DISK_FULL", JSON.stringify(told));
  assert.match(message, /the disk is full/);
  assert.match(message, place);
  assert.match(hint, /df -h.+npm run clean/);
}

for (const kind of ["embedded", "local"] as const) {
  test(`${kind}: a full disk is named, and works again once there is room`, { timeout: 60_000 }, async (t) => {
    if (!privateMounts()) return t.skip("this user has no mount namespace of its own");
    if (!(await engineHere(t, kind))) return;
    const sessions = cachePath("sessions");
    mkdirSync(sessions, { recursive: true });
    const said = await child(
      `${FILL}
      const {engine}=await selectEngine({wanted:"${kind}"});
      fill();
      const atOpening=await openScope("faults").then(()=>null,told);
      free();
      const scope=await openScope("faults");
      const plan=()=>planBroker("faults",{mosquitto:"${RELEASE[kind]}",conf:"listener 1883\\nallow_anonymous true"});
      fill();
      const atStart=await engine.start(plan(),scope).then(()=>null,told);
      const left=fs.readdirSync(scope.folder);
      const children=fs.readdirSync("/proc/self/task").flatMap(id=>fs.readFileSync("/proc/self/task/"+id+"/children","utf8").trim().split(" ")).filter(Boolean);
      const programs=children.map(pid=>fs.readFileSync("/proc/"+pid+"/comm","utf8").trim());
      free();
      const broker=await engine.start(plan(),scope);
      fill();
      const atWriting=await broker.writeFile("/mosquitto/config/acl","x".repeat(100000)).then(()=>null,told);
      free();
      await broker.writeFile("/mosquitto/config/acl","topic readwrite #");
      const client=await mqtt.connectAsync(broker.listeners[0].url,{reconnectPeriod:0});
      await client.endAsync();
      const folder=scope.folder;
      await scope.close();
      return {atOpening,atStart,atWriting,left,programs,after:fs.existsSync(folder)};`,
      { before: withMounts([`mount -t tmpfs -o size=1m none '${sessions}'`]) },
    );
    t.diagnostic(JSON.stringify(said));
    isDiskFull(said.atOpening, /sessions/);
    isDiskFull(said.atStart, /sessions/);
    isDiskFull(said.atWriting, /mosquitto\/config/);
    assert.deepEqual(said.left, []);
    assert.equal((said.programs as string[]).includes("mosquitto"), false);
    assert.equal(said.after, false);
  });
}
