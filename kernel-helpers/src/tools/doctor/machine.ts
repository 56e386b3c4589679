/** The machine itself: Node, Python, what set-up has brought, loopback, disk, proxies. */
import { lookup } from "node:dns/promises";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { isAbsolute, join } from "node:path";
import { courseRoot } from "../../core/paths";
import { size } from "../cli";
import { type Check, lack, ok } from "./check";

export const node = (): Check => ok("node", `Node ${process.versions.node}`);

export async function python(): Promise<Check> {
  const { findPython } = await import("../../../setup/python.mjs");
  try {
    const { command, version } = findPython();
    return ok("python", `Python ${version} (${command.join(" ")}) with venv`);
  } catch (error) {
    const { message, fix } = error as Error & { fix?: string };
    const there = await jupyterVersion();
    const status = there ? "warn" : "fail";
    return lack(
      "python",
      status,
      message,
      there ? "JupyterLab can't be installed anew" : "JupyterLab can't be installed",
      fix ?? "",
    );
  }
}

async function jupyterVersion(): Promise<string | undefined> {
  const { venv, venvPython } = await import("../../../setup/folders.mjs");
  if (!existsSync(venvPython)) return undefined;
  const packages =
    process.platform === "win32" ? [join(venv, "Lib", "site-packages")] : sitePackages(join(venv, "lib"));
  for (const folder of packages) {
    const [, version] = /^jupyterlab-(.+)\.dist-info$/m.exec(namesIn(folder).join("\n")) ?? [];
    if (version) return version;
  }
  return undefined;
}

const sitePackages = (lib: string): string[] => namesIn(lib).map((name) => join(lib, name, "site-packages"));

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // absent is what the caller wants to know
  }
}

export async function jupyter(): Promise<Check> {
  const version = await jupyterVersion();
  if (version) return ok("jupyterlab", `JupyterLab ${version} in .venv`);
  return lack(
    "jupyterlab",
    "info",
    "JupyterLab is not installed yet",
    "no notebook can be opened until it is",
    "npm start",
  );
}

export async function kernel(): Promise<Check> {
  const { kernelspecFolder } = await import("../../../setup/folders.mjs");
  const file = join(kernelspecFolder, "kernel.json");
  const notYet = (what: string) => lack("kernel", "info", what, "notebooks find no kernel until then", "npm start");
  if (!existsSync(file)) return notYet("the kernel tslab is not registered yet");
  try {
    const { argv } = JSON.parse(readFileSync(file, "utf8")) as { argv: string[] };
    const missing = argv.find((word) => isAbsolute(word) && !existsSync(word));
    if (missing) return notYet(`the kernel tslab names ${missing}, which is gone`);
    return ok("kernel", `tslab, by ${argv[0]}`);
  } catch (error) {
    return notYet(`the kernel's entry can't be read: ${(error as Error).message}`);
  }
}

export async function loopback(): Promise<Check[]> {
  const [four, six, names] = await Promise.all([opens("127.0.0.1"), opens("::1"), localhostAddresses()]);
  const said = names.length ? `localhost is ${names.join(" and ")}` : "localhost has no address";
  return [
    four
      ? ok("loopback-ipv4", `127.0.0.1 works; ${said}`)
      : lack(
          "loopback-ipv4",
          "fail",
          "nothing can listen on 127.0.0.1",
          "no lab runs: brokers listen there",
          loopbackFix("lo", "127.0.0.1/8"),
        ),
    six
      ? ok("loopback-ipv6", "::1 works")
      : lack("loopback-ipv6", "info", "there is no ::1", "nothing: cells use 127.0.0.1", ""),
  ];
}

const loopbackFix = (device: string, address: string): string =>
  process.platform === "linux"
    ? `sudo ip link set ${device} up && sudo ip addr add ${address} dev ${device}`
    : "restart this machine";

/** Whether a server on this address can be reached from here: both halves, as a firewall may allow one. */
function opens(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.end());
    const done = (result: boolean) => {
      server.close();
      resolve(result);
    };
    server.once("error", () => resolve(false));
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number };
      const client = connect({ host, port, timeout: 2_000 }, () => {
        client.destroy();
        done(true);
      });
      client.once("timeout", () => client.destroy(new Error("no answer")));
      client.once("error", () => done(false));
    });
  });
}

async function localhostAddresses(): Promise<string[]> {
  try {
    return (await lookup("localhost", { all: true })).map(({ address }) => address);
  } catch {
    return []; // said in words by the caller
  }
}

/** JupyterLab, packages, compiler and images take about this much the first time. */
const wanted = 3e9;
const least = 3e8;

export async function disk(): Promise<Check> {
  const { bavail, bsize } = await statfs(courseRoot);
  const free = bavail * bsize;
  if (free >= wanted) return ok("disk", `${size(free)} free`);
  const status = free < least ? "fail" : "warn";
  const consequence =
    status === "fail"
      ? "brokers can't save, notebooks can't be stored"
      : "set-up and images may not fit (about 3 GB in all)";
  return lack("disk", status, `only ${size(free)} free`, consequence, "npm run clean");
}

/** Variables that send requests for this very machine to a proxy. */
export function proxies(env: NodeJS.ProcessEnv = process.env): Check {
  const set = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].filter(
    (name) => env[name],
  );
  if (set.length === 0) return ok("proxies", "no proxy variables");
  const exceptions = (env.NO_PROXY ?? env.no_proxy ?? "").split(/[\s,]+/).filter(Boolean);
  const covered = (name: string) =>
    exceptions.some((one) => one === "*" || one === name || (one === "127.0.0.0/8" && name === "127.0.0.1"));
  const uncovered = ["127.0.0.1", "localhost"].filter((name) => !covered(name));
  if (uncovered.length === 0) return ok("proxies", `${set.join(", ")} set, loopback is excepted`);
  const all = [...exceptions, ...uncovered].join(",");
  return lack(
    "proxies",
    "warn",
    `${set.join(", ")} set, and NO_PROXY leaves out ${uncovered.join(" and ")}`,
    "tools like curl and pip send requests for the labs' own HTTP and WebSocket listeners to the proxy",
    `export NO_PROXY=${all} no_proxy=${all}`,
  );
}
