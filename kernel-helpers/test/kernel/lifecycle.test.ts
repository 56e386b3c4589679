import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cachePath } from "kernel-helpers/dist/core/paths";
import { until } from "kernel-helpers/dist/core/until";
import { KernelClient } from "kernel-helpers/dist/kernel/client";
import { isAlive } from "./suite";

const posix = process.platform === "win32" ? "process groups work differently here" : false;

/** A program that starts a kernel, lets it run a cell, and waits; its stdout has the kernel's process id. */
const PARENT = `
  const { KernelClient } = require(${JSON.stringify(require.resolve("kernel-helpers/dist/kernel/client"))});
  KernelClient.start({}).then(async (kernel) => {
    const running = kernel.execute(process.argv[1]);
    if (process.argv[2] === "wait") await running;
    console.log(kernel.pid);
    setInterval(() => {}, 1000);
  });
`;

async function orphan(cell: string, wait: boolean): Promise<number> {
  const parent = spawn(process.execPath, ["-e", PARENT, cell, wait ? "wait" : "no"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await new Promise((resolve) => parent.stdout.once("data", (data) => resolve([String(data)])))) as [
    string,
  ];
  const ended = new Promise((resolve) => parent.once("exit", resolve));
  parent.kill("SIGKILL");
  await ended;
  return Number(text);
}

test("a kernel whose parent was killed cleans up and leaves", { skip: posix }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-orphan-"));
  const mark = join(folder, "mark");
  const pid = await orphan(
    `setInterval(() => {}, 1000); globalThis[Symbol.for("mqtt-notebooks.kernel")].onExit(() => require("fs").writeFileSync(${JSON.stringify(mark)}, ""));`,
    true,
  );
  await until("the kernel is gone", () => !isAlive(pid), { timeout: 10_000 });
  assert.ok(existsSync(mark));
  rmSync(folder, { recursive: true });
});

test("also when it is in a busy loop", { skip: posix }, async () => {
  const pid = await orphan("await null; for (;;);", false);
  await until("the kernel is gone", () => !isAlive(pid), { timeout: 10_000 });
});

test("cleanup that hangs or throws doesn't keep the kernel", async () => {
  const kernel = await KernelClient.start();
  const hook = 'globalThis[Symbol.for("mqtt-notebooks.kernel")].onExit';
  await kernel.execute(`${hook}(() => new Promise(() => {})); ${hook}(() => { throw new Error("no"); });`);
  await kernel.shutdown();
  assert.equal(kernel.alive, false);
});

test("connection files are private, and gone with their kernel", { skip: posix }, async () => {
  const files = (): string[] => readdirSync(cachePath("kernels")).filter((name) => name.includes(`-${process.pid}-`));
  const kernel = await KernelClient.start();
  const [file] = files();
  const { mode } = statSync(cachePath("kernels", file!));
  assert.equal(mode & 0o777, 0o600);
  await kernel.kill();
  assert.deepEqual(files(), []);
});

test("a program that is no kernel is told with its own words, soon", async () => {
  const argv = [process.execPath, "-e", "console.error('I am no kernel'); process.exit(7)", "{connection_file}"];
  await assert.rejects(KernelClient.start({ argv }), {
    code: "SETUP_FAILED",
    message: /ended with code 7[\s\S]*I am no kernel/,
  });
  await assert.rejects(KernelClient.start({ argv: ["/no/such/program", "{connection_file}"] }), {
    code: "SETUP_FAILED",
  });
});

test("in plain Node the display functions print and don't fail", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-plain-"));
  const script = join(folder, "plain.cjs");
  writeFileSync(
    script,
    `const d = require(${JSON.stringify(require.resolve("kernel-helpers/dist/kernel/display"))});
     d.publishDisplay({ "text/html": "<b>x</b>", "text/plain": "as text" }); d.clearOutput();
     const forget = d.onKernelExit(() => console.log("never")); forget();
     d.onKernelExit(async () => console.log("bye"));
     console.log(d.currentCell());`,
  );
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  await new Promise((resolve) => child.once("close", resolve));
  assert.equal(output, "as text\nundefined\nbye\n");
  rmSync(folder, { recursive: true });
});

test("an interrupt at any moment of a kernel's beginning ends its cell, and the next one runs", async () => {
  // The compiler loads, the request is handed over, the cell is compiled, the cell runs: all within these times.
  for (let wait = 10; wait <= 460; wait += 30) {
    const kernel = await KernelClient.start({});
    try {
      const first = await kernel.execute("await null; for (;;);", { timeout: wait });
      assert.deepEqual([first.timedOut, first.error?.ename], [true, "KeyboardInterrupt"], `after ${wait} ms`);
      assert.equal((await kernel.execute("1")).status, "ok", `after ${wait} ms`);
    } finally {
      await kernel.shutdown();
    }
  }
});

test("an interrupt about when a cell ends by itself leaves a kernel that runs the next", async () => {
  const kernel = await KernelClient.start({});
  try {
    await kernel.execute("1");
    for (let i = 0; i < 40; i++) {
      // An interrupt that is not seen becomes a termination after 150 ms: it falls into the last of the loop, the
      // value's display or the cell's end.
      const loop = `await null; for (const end = performance.now() + ${145 + i}; performance.now() < end;);\n({ i: ${i} })`;
      const running = kernel.execute(loop);
      await kernel.interrupt();
      await running;
      assert.equal((await kernel.execute("1", { timeout: 20_000 })).status, "ok", `${145 + i} ms`);
    }
  } finally {
    await kernel.shutdown();
  }
});

test("an interrupt while short cells run one after another stops them, whichever moment it falls into", async () => {
  const kernel = await KernelClient.start({});
  try {
    await kernel.execute("1");
    for (let i = 0; i < 12; i++) {
      let begun = (): void => {};
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      // Most of such a cell is its compilation: an interrupt is told of only when the cell has come to its end.
      const cells = Array.from({ length: 40 }, (_, n) =>
        kernel.execute(`const value${n} = ${n} + ${i};`, {
          onMessage: (type) => type === "execute_input" && n === i && begun(),
        }),
      );
      await running;
      await kernel.interrupt();
      const ended = await Promise.all(cells);
      const stopped = ended.findIndex(({ error }) => error?.ename === "KeyboardInterrupt");
      const states = ended.map(({ status }) => status);
      assert.ok(stopped >= i, `round ${i}: ${states.join(" ")}`);
      assert.ok(states.slice(0, stopped).every((status) => status === "ok"));
      assert.ok(states.slice(stopped + 1).every((status) => status === "aborted"));
      assert.equal((await kernel.execute("1")).status, "ok");
    }
  } finally {
    await kernel.shutdown();
  }
});

test("an interrupt finds a cell's code whatever the cell has done to Error", async () => {
  for (const code of ["Error.stackTraceLimit = 0;", "Error.prepareStackTrace = () => '';", "Object.freeze(Error);"]) {
    const kernel = await KernelClient.start({});
    try {
      assert.equal((await kernel.execute(code)).status, "ok");
      const endless = await kernel.execute("await null; for (;;);", { timeout: 200 });
      assert.equal(endless.error?.ename, "KeyboardInterrupt", code);
    } finally {
      await kernel.shutdown();
    }
  }
});
