/**
 * The steps of set-up. Each has: `id`, `title`; `inputs()`, a hash of all that its result depends on; `inPlace()`, a
 * cheap look whether the result is still there; `adopt()`, whether what is there is right though no stamp says so;
 * `unneeded()`, whether this machine can do without; `run(progress)`, which brings it or throws a SetupError.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { containerEngineAnswers } from "./container-engine.mjs";
import { SetupError } from "./error.mjs";
import { cache, kernelspecFolder, root, venv, venvPython } from "./folders.mjs";
import { findPython } from "./python.mjs";
import { runProgram } from "./run.mjs";
import { filesBelow, hashOf } from "./stamps.mjs";
import { howToGet } from "./system.mjs";
import { npmCall } from "./tools.mjs";

const helpers = join(root, "kernel-helpers");
const platform = `${process.platform} ${process.arch} node-abi ${process.versions.modules}`;

/** Stages one after another; in a stage, chains side by side; in a chain, steps one after another. */
export function stepsFor(names, call) {
  const has = (name) => names.includes(name);
  const compile = has("tests") ? buildWithTests : has("site") ? buildWithSite : has("build") && build;
  const code = [has("packages") && packages, compile].filter(Boolean);
  const python = has("jupyter") ? [jupyter] : [];
  const brokers = has("embedded") ? [embedded(call), embeddedTls(call)] : [];
  const last = [has("jupyter") && kernelspec, ...brokers].filter(Boolean);
  return [[code, python].filter((chain) => chain.length), [last]];
}

const networkFault =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|name resolution|NewConnectionError|ProxyError|ENOTCACHED|cache mode is 'only-if-cached'/i;

/** A failed program as the error that a person reads. */
function failure(step, command, { code, tail }, fix) {
  if (code === 127) return new SetupError({ step, why: `the program ${command} was not found`, fix });
  if (code === 130) return new SetupError({ step, why: "interrupted", exitCode: 130 });
  if (/ENOSPC|No space left/i.test(tail))
    return new SetupError({ step, why: "the disk is full", tail, fix: "npm run clean" });
  if (networkFault.test(tail)) {
    return new SetupError({
      step,
      why: `${command} could not reach its package source; is this machine online?`,
      tail,
    });
  }
  return new SetupError({ step, why: `${command} ended with exit code ${code}`, tail, fix });
}

// --- Node's packages -----------------------------------------------------------------------------------------------

const packages = {
  id: "packages",
  title: "packages from npm",
  inputs: () => {
    const manifest = join(root, "package.json");
    const workspaces = JSON.parse(readFileSync(manifest, "utf8")).workspaces.map((name) =>
      join(root, name, "package.json"),
    );
    return hashOf({ words: [platform], files: [join(root, "package-lock.json"), manifest, ...workspaces] });
  },
  inPlace: () => existsSync(hiddenLock) && existsSync(join(root, "node_modules", "kernel-helpers", "package.json")),
  adopt: () => packages.inPlace() && installedAsLocked(),
  async run() {
    const { command, args } = npm();
    const result = await runProgram("packages", command, [
      ...args,
      "ci",
      "--ignore-scripts",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ]);
    if (result.code !== 0) throw failure("packages from npm", "npm ci", result);
  },
};

/** npm writes it last: where it is, an installation came to its end. */
const hiddenLock = join(root, "node_modules", ".package-lock.json");

/** Whether what somebody installed by hand is what the lock file says. */
function installedAsLocked() {
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const there = JSON.parse(readFileSync(hiddenLock, "utf8")).packages;
  const names = Object.keys(wanted).filter((name) => name.startsWith("node_modules/"));
  return (
    names.every((name) => (there[name] ? there[name].version === wanted[name].version : wanted[name].optional)) &&
    Object.keys(there).every((name) => !name.startsWith("node_modules/") || wanted[name])
  );
}

/** The npm that runs us; else the one beside this Node; else the one in the path. */
function npm() {
  const beside = [join(dirname(process.execPath), "..", "lib"), dirname(process.execPath)].map((folder) =>
    join(folder, "node_modules", "npm", "bin", "npm-cli.js"),
  );
  const script = [process.env.npm_execpath, ...beside].find((path) => path?.endsWith("npm-cli.js") && existsSync(path));
  return script ? { command: process.execPath, args: [script] } : { command: "npm", args: [] };
}

// --- the build -----------------------------------------------------------------------------------------------------

const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

/** The projects that the root's tsconfig.json refers to, each with where it reads and where it writes. */
function projects(wanted) {
  const { references } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  return references
    .map(({ path }) => ({ path, folder: join(root, path), config: join(root, path, "tsconfig.json") }))
    .filter(({ path }) => wanted(path))
    .map(({ path, folder, config }) => {
      const { compilerOptions = {} } = JSON.parse(readFileSync(config, "utf8"));
      const { rootDir = ".", outDir = "dist" } = compilerOptions;
      return { path, config, from: join(folder, rootDir), to: join(folder, outDir) };
    });
}

const sources = ({ from, to }) => {
  const out = relative(from, to);
  return filesBelow(
    from,
    (name) => /\.(ts|mts|json)$/.test(name) && !/node_modules/.test(name) && !name.startsWith(out + sep),
  );
};

const compiled = (id, title, wanted) => ({
  id,
  title,
  inputs() {
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const files = projects(wanted).flatMap((project) => [project.config, ...sources(project)]);
    return hashOf({ words: [devDependencies.typescript], files: [join(root, "package-lock.json"), ...files] });
  },
  inPlace: () => projects(wanted).every(outputsAreThere),
  async run() {
    const all = projects(wanted);
    // The compiler believes its own notes: where files that they speak of are gone, it has to start anew.
    for (const project of all) if (!outputsAreThere(project)) rmSync(notes(project), { force: true });
    const result = await runProgram(id, process.execPath, [compiler, "-b", ...all.map(({ config }) => config)]);
    if (result.code !== 0) throw failure(title, "the TypeScript compiler", result);
    if (all.every(outputsAreThere)) return;
    const fix = "rm -rf kernel-helpers/dist kernel-helpers/dist-test";
    throw new SetupError({ step: title, why: "the compiler left outputs out", fix });
  },
});

const notes = ({ to }) => join(to, ".tsbuildinfo");

/** Whether every file that the compiler has noted as compiled has its output still. */
function outputsAreThere(project) {
  let names;
  try {
    names = JSON.parse(readFileSync(notes(project), "utf8")).fileNames;
  } catch {
    return false; // no notes, or cut short: compiled anew
  }
  return names
    .map((name) => relative(project.from, join(project.to, name)))
    .filter((name) => !name.startsWith("..") && name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .every((name) => existsSync(join(project.to, name.replace(/\.ts$/, ".js"))));
}

const build = compiled("build", "compiling the helpers", (path) => path === "kernel-helpers");
const withSite = ["kernel-helpers", "site"];
const buildWithSite = compiled("site", "compiling the helpers and the site's renderer", (path) =>
  withSite.includes(path),
);
const buildWithTests = compiled("tests", "compiling the helpers and their tests", () => true);

// --- JupyterLab ----------------------------------------------------------------------------------------------------

const requirements = join(helpers, "requirements.txt");

const jupyter = {
  id: "jupyter",
  title: "JupyterLab from PyPI",
  inputs: () => hashOf({ words: [root, process.platform, process.arch, pythonBehindVenv()], files: [requirements] }),
  inPlace: () => existsSync(venvPython) && existsSync(join(venv, "share", "jupyter", "lab", "static", "index.html")),
  async run(progress) {
    const python = findPython();
    if (!(await runsWithPip())) {
      rmSync(venv, { recursive: true, force: true });
    }
    // Over an existing one this only writes the folder's name anew, for a course that was moved.
    const keep = existsSync(venvPython) ? ["--without-pip"] : [];
    const [command, ...first] = python.command;
    const made = await runPython(command, [...first, "-m", "venv", ...keep, venv]);
    if (made.code !== 0) {
      rmSync(venv, { recursive: true, force: true });
      throw failure("JupyterLab from PyPI", `${python.command.join(" ")} -m venv`, made, howToGet("venv"));
    }
    const pip = ["-m", "pip", "install", "--quiet", "--prefer-binary", "--no-warn-script-location", "-r", requirements];
    const installed = await runPython(venvPython, pip);
    if (installed.code !== 0) throw failure("JupyterLab from PyPI", "pip install", installed);
    if (!jupyter.inPlace()) {
      throw new SetupError({
        step: "JupyterLab from PyPI",
        why: "pip ended well, JupyterLab is not there",
        fix: "rm -rf .venv",
      });
    }
    progress.line(`set-up: JupyterLab stands in .venv, on Python ${python.version}`);
  },
};

/** pip, also the one inside venv, asks rustc for its version; rustup's stand-in for it would make itself at home. */
const runPython = (command, args) =>
  runProgram("jupyter", command, args, { env: { RUSTUP_HOME: join(cache, "rustup") } });

/** The interpreter that .venv's Python stands for: a system upgrade that replaces it breaks the environment. */
function pythonBehindVenv() {
  try {
    return realpathSync(venvPython);
  } catch {
    return "none";
  }
}

async function runsWithPip() {
  if (!existsSync(venvPython)) return false;
  return (await runPython(venvPython, ["-c", "import pip"])).code === 0;
}

// --- the kernel's entry in .venv -----------------------------------------------------------------------------------

const kernelspec = {
  id: "kernelspec",
  title: "kernel tslab",
  inputs: () => hashOf({ words: [process.execPath, root], files: [join(helpers, "dist", "kernel", "kernelspec.js")] }),
  inPlace: () => existsSync(join(kernelspecFolder, "kernel.json")),
  async run() {
    const { kernelSpec } = createRequire(import.meta.url)(join(helpers, "dist", "kernel", "kernelspec.js"));
    const launcher = join(helpers, "dist", "kernel", "launch.js");
    mkdirSync(kernelspecFolder, { recursive: true });
    writeFileSync(
      join(kernelspecFolder, "kernel.json"),
      `${JSON.stringify(kernelSpec(process.execPath, launcher), null, 2)}\n`,
    );
  },
};

// --- the embedded broker -------------------------------------------------------------------------------------------

const embeddedFolder = join(helpers, "embedded");
const embeddedBuild = join(embeddedFolder, "build.mjs");

const embedded = ({ tool, options }) => ({
  id: "embedded",
  title: "embedded broker (Mosquitto to WebAssembly; minutes, once)",
  inputs: () => hashOf({ words: [process.platform, process.arch], files: embeddedSources() }),
  inPlace: () => existsSync(join(embeddedFolder, "out", "manifest.json")),
  optional: {
    again: "npm run embedded",
    consequence: "labs run on Docker or on a local mosquitto, where there is one",
  },
  /** Built where brokers would otherwise have nothing to run on, and for the tests, which try every engine. */
  async unneeded() {
    if (!existsSync(embeddedBuild)) return true;
    const wanted = options.engine ?? process.env.MQTT_LAB_ENGINE ?? "auto";
    if (tool === "test" || wanted === "embedded") return false;
    if (wanted !== "auto") return true;
    return containerEngineAnswers();
  },
  async run(progress) {
    const result = await runProgram("embedded", process.execPath, [embeddedBuild], {
      onLine: (line) => progress.line(`set-up: ${line}`),
    });
    if (result.code !== 0)
      throw failure("embedded broker", "node kernel-helpers/embedded/build.mjs", result, npmCall("embedded"));
  },
});

/** What runs cells with nobody watching: a limit of time would end the cell that has to wait for a compiler. */
const HEADLESS = ["course", "prove", "grade", "site"];

/** The same with TLS, which compiles OpenSSL. In JupyterLab the first broker that needs it builds it, at its start. */
const embeddedTls = (call) => ({
  id: "embedded-tls",
  title: "embedded broker with TLS (OpenSSL to WebAssembly; minutes, once)",
  inputs: () => hashOf({ words: [process.platform, process.arch], files: embeddedSources() }),
  inPlace: () => existsSync(join(embeddedFolder, "out", "tls", "manifest.json")),
  optional: {
    again: "npm run embedded -- --tls",
    consequence: "brokers with TLS (lab 13) run on Docker or on a local mosquitto, where there is one",
  },
  async unneeded() {
    const { tool, words } = call;
    if (!existsSync(embeddedBuild)) return true;
    if (tool === "test") return words.length > 0 && !words.some((word) => /^(embedded|certs|notebooks)\b/.test(word));
    return !HEADLESS.includes(tool) || embedded(call).unneeded();
  },
  async run(progress) {
    const result = await runProgram("embedded-tls", process.execPath, [embeddedBuild, "--tls"], {
      onLine: (line) => progress.line(`set-up: ${line}`),
    });
    if (result.code === 0) return;
    const perl = /OpenSSL's configuration needs it/.test(result.tail);
    const fix = perl ? howToGet("perl") : npmCall("embedded -- --tls");
    throw failure("embedded broker with TLS", "node kernel-helpers/embedded/build.mjs --tls", result, fix);
  },
});

const embeddedSources = () => filesBelow(embeddedFolder, (name) => !/^out[\\/]|node_modules/.test(name));
