/** What goes wrong outside of a lesson, on the real thing: what the learner is told, and that nothing is left. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import { selectEngine } from "kernel-helpers/dist/brokers/select";
import { LabError } from "kernel-helpers/dist/core/errors";
import { cacheFolder, courseRoot } from "kernel-helpers/dist/core/paths";
import { openScope } from "kernel-helpers/dist/kernel/watch";

const DIST = dirname(dirname(require.resolve("kernel-helpers/dist/brokers/select")));

/** A process with an environment of its own; it prints JSON. */
function child(code: string, env: NodeJS.ProcessEnv, before: readonly string[] = []): Record<string, unknown> {
  const [program = "", ...args] = [...before, process.execPath, "-e", `const D=${JSON.stringify(DIST)};${code}`];
  const { stdout, stderr, status } = spawnSync(program, args, { env, encoding: "utf8", timeout: 50_000 });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

function privateMounts(): boolean {
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("no engine at all: each is named with its reason", { timeout: 60_000 }, (t) => {
  if (!privateMounts()) return t.skip("this user has no mount namespace of its own");
  const empty = mkdtempSync(join(tmpdir(), "no-engine-"));
  t.after(() => rmSync(empty, { recursive: true }));
  const hide = ["/run", cacheFolder, join(courseRoot, "kernel-helpers", "embedded", "out")].filter((folder) =>
    existsSync(folder),
  );
  const mounts = hide.map((folder) => `mount -t tmpfs none '${folder}' && `).join("");
  const env = { PATH: process.env.PATH, HOME: empty, MQTT_LAB_MOSQUITTO_BIN: empty };
  const said = child(
    `require(D+"/brokers/select").selectEngine().then(s=>({kind:s.engine.kind}),e=>({code:e.code,message:e.message,hint:e.hint})).then(x=>console.log(JSON.stringify(x)))`,
    env,
    ["unshare", "-m", "sh", "-c", `${mounts}exec "$@"`, "sh"],
  );
  t.diagnostic(JSON.stringify(said));
  assert.equal(said.code, "NO_ENGINE", JSON.stringify(said));
  assert.match(String(said.message), /docker: .+\nembedded: .+\nlocal: there is no mosquitto/);
  assert.match(String(said.hint), /start Docker.+npm run embedded.+apt install mosquitto/);
});

for (const kind of ["docker", "embedded", "local"] as const) {
  test(`${kind}: a persistence file that is no database`, { timeout: 60_000 }, async (t) => {
    const chosen = await selectEngine({ wanted: kind }).catch((error: unknown) => {
      if (error instanceof LabError) return error;
      throw error;
    });
    if (chosen instanceof LabError) return t.skip(chosen.message);
    const scope = await openScope("faults");
    t.after(async () => {
      await scope.close();
      assert.equal(existsSync(scope.folder), false);
    });
    const conf = "listener 1883\nallow_anonymous true\npersistence true\npersistence_location /mosquitto/config/\n";
    const release = kind === "local" ? "2.0.11" : "2.1";
    const broken = { conf, mosquitto: release, files: { "mosquitto.db": "this is no database ".repeat(20) } } as const;
    await assert.rejects(chosen.engine.start(planBroker("faults", broken), scope), (error: LabError) => {
      t.diagnostic(error.toString());
      assert.equal(error.code, "BROKER_EXITED");
      assert.match(
        error.message,
        /ended with exit code \d+ before it was ready[\s\S]*Unable to restore persistent database/,
      );
      return true;
    });
  });
}

test("proxy variables that lead nowhere: loopback needs no proxy, over TCP and WebSocket", {
  timeout: 60_000,
}, async (t) => {
  const nowhere = "http://127.0.0.1:9";
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  const env = {
    ...process.env,
    ...Object.fromEntries(names.map((name) => [name, nowhere])),
    NO_PROXY: "",
    no_proxy: "",
    NODE_USE_ENV_PROXY: "1",
  };
  for (const kind of ["docker", "embedded", "local"] as const) {
    const there = await selectEngine({ wanted: kind }).catch((error: unknown) => {
      if (error instanceof LabError) return null;
      throw error;
    });
    if (!there) {
      t.diagnostic(`${kind} is not here`);
      continue;
    }
    const release = kind === "local" ? "2.0.11" : "2.1";
    const said = child(
      `(async()=>{
        const {selectEngine}=require(D+"/brokers/select"),{planBroker}=require(D+"/brokers/plan");
        const scope=await require(D+"/kernel/watch").openScope("proxies");
        try{
          const {engine}=await selectEngine({wanted:"${kind}"});
          const conf="listener 1883\\nlistener 9001\\nprotocol websockets\\nallow_anonymous true";
          const broker=await engine.start(planBroker("proxies",{mosquitto:"${release}",conf}),scope);
          const mqtt=require(require.resolve("mqtt",{paths:[D]}));
          const urls=[];
          for(const {url} of broker.listeners){
            const client=await mqtt.connectAsync(url,{connectTimeout:5000,reconnectPeriod:0});
            await client.endAsync();
            urls.push(url.split(":")[0]);
          }
          console.log(JSON.stringify({urls}));
        }finally{await scope.close()}
      })()`,
      env,
    );
    assert.deepEqual(said.urls, ["mqtt", "ws"], kind);
  }
});
