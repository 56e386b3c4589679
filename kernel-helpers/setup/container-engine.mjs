/** Whether a container engine answers, asked without any package: set-up wants to know before packages are there. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where this user's Docker command would look: DOCKER_HOST, the chosen context, then the usual sockets. */
function addresses(env) {
  if (env.DOCKER_HOST) return [env.DOCKER_HOST];
  const runtime = env.XDG_RUNTIME_DIR ?? (process.getuid ? `/run/user/${process.getuid()}` : "");
  return [
    contextHost(env),
    process.platform === "win32" ? "npipe:////./pipe/docker_engine" : "unix:///var/run/docker.sock",
    runtime && `unix://${runtime}/docker.sock`,
    `unix://${homedir()}/.docker/run/docker.sock`,
    runtime && `unix://${runtime}/podman/podman.sock`,
  ].filter(Boolean);
}

function contextHost(env) {
  const folder = env.DOCKER_CONFIG ?? join(homedir(), ".docker");
  try {
    const name = env.DOCKER_CONTEXT ?? JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).currentContext;
    if (!name || name === "default") return undefined;
    const id = createHash("sha256").update(name).digest("hex");
    return JSON.parse(readFileSync(join(folder, "contexts", "meta", id, "meta.json"), "utf8")).Endpoints.docker.Host;
  } catch {
    return undefined; // no such file: the default context
  }
}

export async function containerEngineAnswers(env = process.env) {
  for (const address of addresses(env)) if (await answers(address)) return true;
  return false;
}

function answers(address) {
  const [, scheme, rest] = /^(\w+):\/\/(.*)$/.exec(address) ?? [];
  let target;
  if (scheme === "unix" || scheme === "npipe") target = { socketPath: rest };
  else if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    // Whether a TLS engine lets us in is the engine's room to find out; that it was named is enough here.
    if (scheme === "https" || tlsWanted()) return true;
    const [host, port = "2375"] = rest.split(":");
    target = { host, port };
  } else return true; // ssh://: named on purpose, and too slow to ask
  return new Promise((resolve) => {
    const ask = request({ ...target, path: "/_ping", timeout: 800 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ask.once("timeout", () => ask.destroy());
    ask.once("error", () => resolve(false));
    ask.once("close", () => resolve(false));
    ask.end();
  });
}

const tlsWanted = () => Boolean(process.env.DOCKER_TLS_VERIFY);
