/** Finds the container engine: any socket that speaks Docker's API. Nothing heavy is loaded here. */
import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { LabError } from "../../core/errors";
import { isLoopback } from "../mosquitto-conf";

/** Where an engine is. Plain data: the watcher process gets it as JSON. */
export interface DockerAddress {
  /** As DOCKER_HOST would name it: "unix:///var/run/docker.sock". */
  readonly name: string;
  readonly socketPath?: string;
  readonly protocol?: "http" | "https" | "ssh";
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  /** Folder with ca.pem, cert.pem and key.pem. */
  readonly certificates?: string;
}

export interface DockerFound {
  readonly address: DockerAddress;
  /** "Docker Engine 28.2.2", "Podman Engine 5.4.0". */
  readonly product: string;
}

/**
 * The engine that DOCKER_HOST or DOCKER_CONTEXT names, and no other; without them the first that answers of the current
 * context and the usual sockets.
 * @throws LabError ENGINE_UNREACHABLE or ENGINE_FORBIDDEN.
 */
export async function findDocker(env: NodeJS.ProcessEnv = process.env): Promise<DockerFound> {
  const named = namedAddress(env);
  if (named) return ask(named, env.DOCKER_HOST ? "DOCKER_HOST" : "DOCKER_CONTEXT");
  let forbidden: LabError | undefined;
  for (const address of usualAddresses(env)) {
    try {
      return await ask(address, null);
    } catch (error) {
      if (error instanceof LabError && error.code === "ENGINE_FORBIDDEN") forbidden ??= error;
    }
  }
  throw forbidden ?? noEngine();
}

/** Whether the user has named an engine, so that no other may take its place. */
export const dockerIsNamed = (env: NodeJS.ProcessEnv = process.env): boolean => namedAddress(env) !== null;

function namedAddress(env: NodeJS.ProcessEnv): DockerAddress | null {
  if (env.DOCKER_HOST) return parseAddress(env.DOCKER_HOST, certificatesFrom(env));
  if (env.DOCKER_CONTEXT && env.DOCKER_CONTEXT !== "default") {
    const address = contextAddress(env.DOCKER_CONTEXT, env);
    if (address) return address;
    throw new LabError(
      "ENGINE_UNREACHABLE",
      `DOCKER_CONTEXT names "${env.DOCKER_CONTEXT}", and there is no such context`,
      "see `docker context ls`, or unset DOCKER_CONTEXT",
    );
  }
  return null;
}

const certificatesFrom = (env: NodeJS.ProcessEnv): string | undefined =>
  env.DOCKER_CERT_PATH || (env.DOCKER_TLS_VERIFY ? join(homedir(), ".docker") : undefined);

/** @throws LabError BAD_ARGUMENT for what is no address. */
export function parseAddress(name: string, certificates?: string): DockerAddress {
  const unix = /^(?:unix|npipe):\/\/(.+)$/.exec(name) ?? /^(\/.+)$/.exec(name);
  if (unix) return { name, socketPath: unix[1]! };
  const url = URL.canParse(name) ? new URL(name) : null;
  const scheme = url?.protocol.slice(0, -1);
  if (!url?.hostname || !scheme || !["tcp", "http", "https", "ssh"].includes(scheme)) {
    throw new LabError(
      "BAD_ARGUMENT",
      `DOCKER_HOST is "${name}", which is no address of an engine`,
      "write unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host, or unset DOCKER_HOST",
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (scheme === "ssh") {
    return { name, protocol: "ssh", host, port: Number(url.port) || 22, username: url.username || undefined };
  }
  const secure = scheme === "https" || Boolean(certificates);
  const port = Number(url.port) || (secure ? 2376 : 2375);
  return { name, protocol: secure ? "https" : "http", host, port, ...(certificates ? { certificates } : {}) };
}

function usualAddresses(env: NodeJS.ProcessEnv): DockerAddress[] {
  if (process.platform === "win32") return [parseAddress("npipe:////./pipe/docker_engine")];
  const home = homedir();
  const runtime = env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.() ?? 0}`;
  const sockets = [
    "/var/run/docker.sock",
    `${runtime}/docker.sock`,
    `${home}/.docker/run/docker.sock`,
    `${home}/.docker/desktop/docker.sock`,
    `${home}/.orbstack/run/docker.sock`,
    `${home}/.colima/default/docker.sock`,
    `${home}/.rd/docker.sock`,
    `${runtime}/podman/podman.sock`,
    "/run/podman/podman.sock",
  ];
  const context = contextAddress(currentContext(env), env);
  const there = sockets.filter((path) => existsSync(path)).map((path) => parseAddress(`unix://${path}`));
  return context ? [context, ...there.filter((one) => one.name !== context.name)] : there;
}

const configFolder = (env: NodeJS.ProcessEnv): string => env.DOCKER_CONFIG || join(homedir(), ".docker");

function currentContext(env: NodeJS.ProcessEnv): string | null {
  const config = readJson(join(configFolder(env), "config.json")) as { currentContext?: unknown } | null;
  return typeof config?.currentContext === "string" && config.currentContext !== "default"
    ? config.currentContext
    : null;
}

/** The docker command keeps a context under the hash of its name. */
function contextAddress(name: string | null, env: NodeJS.ProcessEnv): DockerAddress | null {
  if (!name) return null;
  const hash = createHash("sha256").update(name).digest("hex");
  const meta = readJson(join(configFolder(env), "contexts", "meta", hash, "meta.json")) as {
    Endpoints?: { docker?: { Host?: unknown } };
  } | null;
  const host = meta?.Endpoints?.docker?.Host;
  if (typeof host !== "string" || !host) return null;
  const certificates = join(configFolder(env), "contexts", "tls", hash, "docker");
  return parseAddress(host, existsSync(join(certificates, "cert.pem")) ? certificates : undefined);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null; // no such file, or none that the docker command could read either
  }
}

/** Where published ports go and where they are reached. */
export async function publishAddress(address: DockerAddress): Promise<{ bind: string; reach: string }> {
  if (!address.host || isLoopback(address.host)) return { bind: "127.0.0.1", reach: "127.0.0.1" };
  const ip = isIP(address.host) ? address.host : (await lookup(address.host)).address;
  return { bind: ip, reach: address.host };
}

export const isRemote = (address: DockerAddress): boolean => Boolean(address.host && !isLoopback(address.host));

async function ask(address: DockerAddress, namedBy: string | null): Promise<DockerFound> {
  try {
    const version = (await getVersion(address)) as {
      Version?: string;
      Components?: { Name?: string; Version?: string }[];
    };
    if (typeof version?.Version !== "string") throw new Error("it doesn't speak Docker's API");
    const component = version.Components?.find((one) => /Podman/.test(one.Name ?? ""));
    return { address, product: component ? `Podman ${component.Version}` : `Docker Engine ${version.Version}` };
  } catch (error) {
    throw unreachable(address, namedBy, error as NodeJS.ErrnoException);
  }
}

function unreachable(address: DockerAddress, namedBy: string | null, error: NodeJS.ErrnoException): LabError {
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new LabError(
      "ENGINE_FORBIDDEN",
      `a container engine is at ${address.name}, and this user may not use it`,
      "sudo usermod -aG docker $USER, then log in again; or use the embedded or the local engine",
      { cause: error },
    );
  }
  const named = namedBy ? `${namedBy} names ${address.name}, and` : `At ${address.name}`;
  return new LabError(
    "ENGINE_UNREACHABLE",
    `${named} no container engine answers (${error.code ?? error.message})`,
    namedBy
      ? `start that engine, or unset ${namedBy} to use what is on this machine`
      : "start the engine (Docker Desktop, `sudo systemctl start docker`)",
    { cause: error },
  );
}

function noEngine(): LabError {
  return new LabError(
    "ENGINE_UNREACHABLE",
    "no container engine answers on this machine",
    "start Docker (Docker Desktop, `sudo systemctl start docker`), or use the embedded or the local engine",
  );
}

function getVersion(address: DockerAddress): Promise<unknown> {
  if (address.protocol === "ssh") return import("./client").then(({ dockerAt }) => dockerAt(address).version());
  return new Promise((resolve, reject) => {
    const send = address.protocol === "https" ? requestTls : request;
    const to = address.socketPath
      ? { socketPath: address.socketPath }
      : { host: address.host, port: address.port, ...certificateTexts(address) };
    const sent = send({ ...to, path: "/version", agent: false, timeout: 4_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch {
          reject(new Error("it doesn't speak Docker's API"));
        }
      });
    });
    sent.on("timeout", () => sent.destroy(Object.assign(new Error("no answer in 4 s"), { code: "ETIMEDOUT" })));
    sent.on("error", reject);
    sent.end();
  });
}

/** The client certificate of an engine behind TLS. */
export function certificateTexts({ certificates }: DockerAddress): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if (!certificates) return {};
  const read = (name: string) => readFileSync(join(certificates, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}
