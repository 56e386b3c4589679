/** What can run a broker here: a container engine, the embedded broker, a mosquitto of this machine's own. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type DockerFound, findDocker, isRemote } from "../../brokers/docker/address";
import { LabError } from "../../core/errors";
import { courseRoot } from "../../core/paths";
import { size } from "../cli";
import { type Check, lack, ok } from "./check";

const run = promisify(execFile);

/** Which labs can't be run without containers, by course.json where it says so. */
function needingDocker(): string {
  try {
    const { labs } = JSON.parse(readFileSync(join(courseRoot, "notebooks", "course.json"), "utf8")) as {
      labs: { id: string | number; needs?: string[] }[];
    };
    const ids = labs.filter(({ needs }) => needs?.includes("docker")).map(({ id }) => id);
    if (ids.length) return `labs ${ids.join(", ")} can't be run whole; the others use another engine`;
  } catch {
    // No list yet, or one of another shape: the general sentence is true of any.
  }
  return "parts that show containers, their networks and other releases of Mosquitto can't be run; the rest uses another engine";
}

export async function docker(): Promise<Check[]> {
  const { howToGet } = await import("../../../setup/system.mjs");
  let found: DockerFound;
  try {
    found = await findDocker();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const named = Boolean(process.env.DOCKER_HOST || process.env.DOCKER_CONTEXT);
    if (error.code === "ENGINE_FORBIDDEN") {
      return [lack("docker", "warn", error.message, needingDocker(), "sudo usermod -aG docker $USER && newgrp docker")];
    }
    if (named) {
      const name = process.env.DOCKER_HOST ? "DOCKER_HOST" : "DOCKER_CONTEXT";
      return [
        lack(
          "docker",
          "fail",
          error.message,
          "no lab runs: an engine that is named is never replaced by another",
          `unset ${name}`,
        ),
      ];
    }
    return [lack("docker", "warn", "no container engine answers", needingDocker(), dockerFix(howToGet("docker")))];
  }
  const where = isRemote(found.address) ? " (on another machine)" : "";
  return [
    ok("docker", `${found.product} at ${found.address.name}${where}; this user may use it`),
    ...(await images(found)),
  ];
}

/** An engine that is installed and asleep wants to be started, not installed. */
function dockerFix(install: string): string {
  if (process.platform === "linux" && inPath("dockerd")) {
    const root = process.getuid?.() === 0;
    if (existsSync("/run/systemd/system")) return `${root ? "" : "sudo "}systemctl start docker`;
    return `${root ? "" : "sudo "}sh docker/engine-up.sh --no-images`;
  }
  if (process.platform === "darwin" && existsSync("/Applications/Docker.app")) return "open -a Docker";
  return install;
}

async function images(found: DockerFound): Promise<Check[]> {
  const { dockerAt } = await import("../../brokers/docker/client");
  const { builtReleases, releases } = await import("../../brokers/docker/images");
  const engine = dockerAt(found.address);
  const probe = await tryBuild(engine);
  if (probe)
    return [lack("docker-build", "warn", `the engine can't build an image: ${probe}`, needingDocker(), "docker info")];
  const there = await builtReleases(engine);
  const named = process.env.MQTT_LAB_MOSQUITTO_IMAGE;
  const rows = releases();
  const missing = rows.filter(({ release }) => !there.has(release));
  const listed = rows.filter(({ release }) => there.has(release)).map(({ version }) => version);
  const build = ok("docker-build", "the engine builds images");
  if (named) return [build, ok("images", `MQTT_LAB_MOSQUITTO_IMAGE: brokers run ${named}`)];
  if (missing.length === 0) return [build, ok("images", `Mosquitto ${listed.join(", ")}`)];
  const bases = await tagsThere(
    engine,
    missing.map(({ debian }) => `debian:${debian}-slim`),
  );
  const without = missing.filter(({ debian }) => !bases.has(`debian:${debian}-slim`));
  const summary = `built: ${listed.join(", ") || "none"}; at first use: ${missing.map(({ version }) => version).join(", ")}`;
  if (without.length === 0) return [build, ok("images", summary)];
  const consequence = "the first lab that wants one builds it, from a base image that a registry has to give";
  return [
    build,
    lack(
      "images",
      "info",
      summary,
      consequence,
      "sudo sh docker/engine-up.sh   (only where no registry can be reached)",
    ),
  ];
}

type Engine = ReturnType<typeof import("../../brokers/docker/client").dockerAt>;

/** Builds the smallest image there is and removes it. Resolves to what went wrong, or "". */
async function tryBuild(engine: Engine): Promise<string> {
  const { pack } = await import("../../brokers/tar");
  const tag = `mqtt-notebooks/doctor:${process.pid}`;
  const dockerfile = "FROM scratch\nLABEL mqtt-notebooks.source=doctor\n";
  try {
    const context = pack([{ path: "Dockerfile", content: Buffer.from(dockerfile), mode: 0o644 }], { uid: 0, gid: 0 });
    const stream = await engine.buildImage(context as unknown as NodeJS.ReadableStream, { t: tag });
    await new Promise<void>((resolve, reject) => {
      const failed = (messages: { error?: string }[]) => messages.find(({ error }) => error)?.error;
      engine.modem.followProgress(stream, (error: Error | null, messages: { error?: string }[]) => {
        const why = error?.message ?? failed(messages ?? []);
        if (why) reject(new Error(why));
        else resolve();
      });
    });
    await engine.getImage(tag).remove();
    return "";
  } catch (error) {
    return (error as Error).message.trim();
  }
}

async function tagsThere(engine: Engine, wanted: readonly string[]): Promise<Set<string>> {
  const tags = (await engine.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
  return new Set(wanted.filter((tag) => tags.includes(tag)));
}

interface Built {
  readonly mosquitto: string;
  readonly openssl?: string;
  readonly programs: Record<string, { bytes: number }>;
}

/** What a build left in `folder`, or null. */
function built(folder: string): (Built & { bytes: number }) | null {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Built;
    return { ...manifest, bytes: Object.values(manifest.programs).reduce((sum, one) => sum + one.bytes, 0) };
  } catch {
    return null; // nothing was built
  }
}

export async function embedded(): Promise<Check[]> {
  const folder = join(courseRoot, "kernel-helpers", "embedded", "out");
  const plain = built(folder);
  const first = plain
    ? ok("embedded", `Mosquitto ${plain.mosquitto} as WebAssembly, ${size(plain.bytes)}`)
    : lack(
        "embedded",
        "info",
        "the embedded broker is not built",
        "it is needed only where no container engine answers",
        "npm run embedded",
      );
  return [first, await embeddedTls(built(join(folder, "tls")))];
}

async function embeddedTls(tls: (Built & { bytes: number }) | null): Promise<Check> {
  const id = "embedded-tls";
  if (tls) return ok(id, `the same with OpenSSL ${tls.openssl}, ${size(tls.bytes)}`);
  const { findPerl } = await import("../../../embedded/build/perl.mjs");
  const perl = await findPerl();
  if (!("lack" in perl)) {
    const later = "the first broker with TLS builds it, in a minute or two";
    return lack(id, "info", "the embedded broker with TLS is not built", later, "npm run embedded -- --tls");
  }
  const { howToGet } = await import("../../../setup/system.mjs");
  const instead = await findDocker().then(
    () => true,
    () => false,
  );
  return lack(
    "perl",
    instead ? "info" : "warn",
    `${perl.lack}: OpenSSL's configuration needs it`,
    "brokers with TLS (lab 13) can't run on the embedded engine; on Docker and on a local mosquitto they can",
    howToGet("perl"),
  );
}

const places = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/local/bin"];

/** Debian keeps mosquitto where an ordinary user's path doesn't look. */
function inPath(program: string): string | undefined {
  const windows = process.platform === "win32";
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...(windows ? ["C:\\Program Files\\mosquitto"] : places),
  ];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, windows ? `${program}.exe` : program))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export async function mosquitto(): Promise<Check> {
  const { howToGet } = await import("../../../setup/system.mjs");
  const broker = inPath("mosquitto");
  const fix = howToGet("mosquitto");
  if (!broker)
    return lack("mosquitto", "info", "no mosquitto of this machine's own", "the local engine can't be used", fix);
  const version = await stated(broker);
  if (!version)
    return lack("mosquitto", "warn", `${broker} doesn't say its version`, "the local engine can't be used", fix);
  const tools = ["mosquitto_passwd", "mosquitto_ctrl"];
  const missing = tools.filter((tool) => !inPath(tool));
  const summary = `Mosquitto ${version} at ${broker}`;
  if (missing.length === 0) return ok("mosquitto", `${summary}, with ${tools.join(" and ")}`);
  return lack(
    "mosquitto",
    "warn",
    `${summary}, without ${missing.join(" and ")}`,
    "on the local engine, the security labs lack their tools",
    fix,
  );
}

/** `mosquitto -h` ends with 3 in some releases: the text counts. */
async function stated(broker: string): Promise<string | undefined> {
  const { stdout, stderr } = await run(broker, ["-h"], { timeout: 5_000 }).catch(
    (error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout ?? "", stderr: error.stderr ?? "" }),
  );
  return /mosquitto version (\S+)/.exec(`${stdout}${stderr}`)?.[1];
}
