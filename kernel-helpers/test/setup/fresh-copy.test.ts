import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "kernel-helpers/dist/core/until";
import { FreshCopy, noCopies, pathWith, type Running } from "./fresh-copy";

const nowhere = "http://127.0.0.1:9";
const offline = {
  npm_config_registry: nowhere,
  npm_config_fetch_retries: "0",
  PIP_INDEX_URL: `${nowhere}/simple`,
  PIP_RETRIES: "0",
  PIP_FIND_LINKS: "",
  HTTP_PROXY: nowhere,
  HTTPS_PROXY: nowhere,
  ALL_PROXY: nowhere,
  NO_PROXY: "",
};

/** Python 3.12 as Debian installs it: without venv's second half. */
const pythonWithoutVenv = `#!/bin/sh
echo 3.12.1
echo "ModuleNotFoundError: No module named 'ensurepip'" >&2
exit 1
`;

test("from a fresh copy to JupyterLab and back", { skip: noCopies, timeout: 300_000 }, async (t) => {
  const copy = new FreshCopy(t);

  await t.test("a step that fails says which, why, and the one command that mends it", async (t) => {
    const python = Object.fromEntries(
      ["python3", "python", ...[10, 11, 12, 13, 14].map((n) => `python3.${n}`)].map((name) => [
        name,
        pythonWithoutVenv,
      ]),
    );
    const { ended } = copy.npm(t, ["start", "--", "--no-browser", "--engine", "local"], {
      PATH: pathWith(copy.shims(python)),
    });
    const { code, stderr, stdout } = await ended;
    assert.equal(code, 3, stdout + stderr);
    assert.match(
      stderr,
      /set-up stopped at "Python": python3 is Python 3\.12\.1 without the modules venv and ensurepip/,
    );
    assert.match(stderr, /\| ModuleNotFoundError: No module named 'ensurepip'/);
    assert.match(stderr, /^Try: \S.*$/m);
    assert.match(stderr, /^then: npm start /m);
    assert.ok(!existsSync(join(copy.folder, ".venv")), "nothing is half done");
  });

  await t.test("two at once wait for each other, go on from there, and open on ports of their own", async (t) => {
    const packages = join(copy.folder, "node_modules", ".package-lock.json");
    const installed = statSync(packages).mtimeMs;
    const both = [
      copy.direct(t, ["start", "--no-browser", "--engine", "local"]),
      copy.npm(t, ["start", "--", "--no-browser", "--engine", "local"]),
    ];
    const addresses = await Promise.all(both.map(opened));
    assert.equal(new Set(addresses.map(({ port }) => port)).size, 2);
    assert.equal(statSync(packages).mtimeMs, installed, "what the failed run had brought is used");
    await theLabIsUp(addresses[0]!);
    const kernel = await startKernel(addresses[0]!, copy.folder);
    for (const one of both) one.signal("SIGINT");
    const ends = await Promise.all(both.map(({ ended }) => ended));
    for (const { stdout, stderr } of ends) assert.match(stdout, /Ending JupyterLab and its kernels/, stderr);
    assert.equal(ends[0]!.code, 0);
    // Debian's sh ends itself by the same Ctrl-C once we have ended in order, and npm says so.
    assert.ok(
      ends[1]!.code === 0 || ends[1]!.code === 130 || ends[1]!.signal === "SIGINT",
      `npm ended with ${ends[1]!.code}`,
    );
    const waited = ends.filter(({ stdout }) => /another set-up is at work in this folder/.test(stdout));
    assert.equal(waited.length, 1, "one of them had to wait");
    await until("the kernel is gone", () => !existsSync(`/proc/${kernel}`), { timeout: 10_000 });
    for (const { port } of addresses) await assert.rejects(fetch(`http://127.0.0.1:${port}/`), "its server is gone");
  });

  await t.test("a second time without any network", async (t) => {
    const start = copy.npm(t, ["start", "--", "--no-browser", "--engine", "local"], offline);
    const address = await opened(start);
    await theLabIsUp(address);
    start.child.kill("SIGTERM"); // npm alone
    const { stdout } = await start.ended;
    assert.doesNotMatch(stdout, /^set-up:/m, "there was nothing to do");
    await serverIsGone(address);
  });

  await t.test("JupyterLab leaves even when npm start was killed", async (t) => {
    const start = copy.npm(t, ["start", "--", "--no-browser", "--engine", "local"]);
    const address = await opened(start);
    start.signal("SIGKILL");
    await start.ended;
    await serverIsGone(address);
  });

  await t.test("a port that is taken is told, not replaced", async (t) => {
    const first = copy.npm(t, ["start", "--", "--no-browser", "--engine", "local"]);
    const { port } = await opened(first);
    const { code, stderr } = await copy.npm(t, ["start", "--", "--no-browser", "--engine", "local", "--port", port])
      .ended;
    assert.equal(code, 3);
    assert.match(stderr, new RegExp(`PORT_TAKEN: port ${port} on 127\\.0\\.0\\.1 is in use.*\\nTry: npm start`));
    first.signal("SIGINT");
    await first.ended;
  });

  await t.test("moved to another folder, still without network", async (t) => {
    const moved = `${copy.folder} (moved)`;
    renameSync(copy.folder, moved);
    copy.folder = moved;
    const start = copy.direct(t, ["start", "--no-browser", "--engine", "local"], offline);
    const address = await opened(start);
    const spec = JSON.parse(readFileSync(join(moved, ".venv/share/jupyter/kernels/tslab/kernel.json"), "utf8"));
    assert.ok(
      spec.argv.some((word: string) => word.startsWith(`${moved}/`)),
      spec.argv.join(" "),
    );
    await theLabIsUp(address);
    start.signal("SIGTERM");
    assert.equal((await start.ended).code, 0);
  });

  await t.test("nothing was written into the user's own folder", () => {
    assert.deepEqual(copy.homeContent, []);
  });
});

test("a run that was killed is taken over by the next one", { skip: noCopies, timeout: 120_000 }, async (t) => {
  const copy = new FreshCopy(t);
  const killed = copy.npm(t, ["run", "doctor"]);
  await killed.printed(/set-up: packages from npm …/);
  killed.signal("SIGKILL");
  await killed.ended;
  const { code, stdout, stderr } = await copy.npm(t, ["run", "-s", "doctor", "--", "--json"]).ended;
  assert.ok(code === 0 || code === 3, stderr);
  const { checks } = JSON.parse(stdout) as { checks: { id: string; fix: string; status: string }[] };
  assert.ok(checks.some(({ id }) => id === "node"));
  assert.match(stderr, /set-up: packages from npm:/, "progress goes to standard error");
  assert.ok(!existsSync(join(copy.folder, ".cache", "setup.lock")));
});

test("without network and without anything, the message says so", { skip: noCopies, timeout: 120_000 }, async (t) => {
  const copy = new FreshCopy(t, { cache: false });
  const { code, stderr } = await copy.npm(t, ["run", "doctor"], offline).ended;
  assert.equal(code, 3);
  assert.match(
    stderr,
    /set-up stopped at "packages from npm": npm ci could not reach its package source; is this machine online\?/,
  );
  assert.match(stderr, /^Try: npm run doctor$/m);
  assert.deepEqual(readdirSync(join(copy.folder, ".cache")).sort(), ["npm", "setup"]);
});

test("help and wrong words need no set-up", { skip: noCopies, timeout: 60_000 }, async (t) => {
  const copy = new FreshCopy(t, { cache: false });
  const help = await copy.npm(t, ["start", "--", "--help"]).ended;
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--port N/);
  const wrong = await copy.npm(t, ["test", "--", "--lst"]).ended;
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Try: npm test -- --list$/m);
  const swallowed = await copy.npm(t, ["run", "doctor", "--json"]).ended;
  assert.equal(swallowed.code, 2);
  assert.match(swallowed.stderr, /Try: npm run doctor -- --json$/m);
  assert.ok(!existsSync(join(copy.folder, ".cache")));
});

function serverIsGone({ port }: Address): Promise<boolean> {
  const gone = () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => false,
      () => true,
    );
  return until("the server is gone", gone, { timeout: 15_000 });
}

interface Address {
  url: string;
  port: string;
  token: string;
}

async function opened(start: Running): Promise<Address> {
  const [, url, port, token] = await start.printed(/^Open: (http:\/\/127\.0\.0\.1:(\d+)\/\S*\?token=(\w+))$/m);
  return { url: url!, port: port!, token: token! };
}

async function theLabIsUp({ url, port, token }: Address): Promise<void> {
  const page = await fetch(url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /jupyter-config-data/);
  const specs = await ask({ port, token }, "kernelspecs");
  assert.equal(specs.default, "tslab");
  assert.deepEqual(Object.keys(specs.kernelspecs ?? {}), ["tslab"]);
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/kernels`)).status, 403, "without the token nobody gets in");
}

async function ask({ port, token }: Pick<Address, "port" | "token">, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
    ...init,
    headers: { Authorization: `token ${token}` },
  });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.json() as Promise<{ default?: string; kernelspecs?: Record<string, unknown> }>;
}

/** Starts a kernel as JupyterLab does. Resolves to its process id. */
async function startKernel(address: Address, folder: string): Promise<number> {
  await ask(address, "kernels", { method: "POST", body: JSON.stringify({ name: "tslab" }) });
  const launcher = join(folder, "kernel-helpers", "dist", "kernel", "launch.js");
  return until("the kernel's process is there", () => processWith(launcher), { timeout: 15_000 });
}

function processWith(word: string): number | undefined {
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").includes(word)) return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
}
