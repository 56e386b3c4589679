import assert from "node:assert/strict";
import { test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { KernelClient } from "kernel-helpers/dist/kernel/client";
import { shown } from "./suite";

/** Runs cells that have to succeed. Resolves to what each one shows. */
const valuesOf =
  (kernel: KernelClient) =>
  async (code: string): Promise<unknown> => {
    const result = await kernel.execute(code, { timeout: 30_000 });
    assert.equal(result.status, "ok", result.error?.traceback.join("\n"));
    return shown(result);
  };

test("names of earlier cells work in shorthands, wherever TypeScript allows one", async (t) => {
  const kernel = await KernelClient.start({ cwd: courseRoot });
  t.after(() => kernel.shutdown());
  const value = valuesOf(kernel);
  await value("const a = 1; let b = 2; function f(of: { a: number }) { return of.a; }");
  assert.equal(await value("({ a, b })"), "{ a: 1, b: 2 }");
  assert.equal(await value("f({ a })"), "1");
  assert.equal(await value("const g = ({ a }: { a: number }) => ({ a, b }); g({ a: 5 })"), "{ a: 5, b: 2 }");
  assert.equal(await value("await (async (t: number, { a }: { a: number }) => t + a)(1, { a })"), "2");
  await value("({ b } = { b: 7 })");
  assert.equal(await value("b"), "7");
  assert.equal(await value("({ b = 9 } = {} as { b?: number }); b"), "9");
  assert.equal(await value("{ const a = 3; console.log(JSON.stringify({ a })); } ({ a }).a"), "1");
  const wrong = await kernel.execute("const x: { a: string } = { a };");
  assert.match(wrong.error?.evalue ?? "", /not assignable/);
});

test("an await with parentheses before a declaration of an imported type", async (t) => {
  const kernel = await KernelClient.start({ cwd: courseRoot });
  t.after(() => kernel.shutdown());
  for (const code of [
    'import { LabError } from "kernel-helpers"; const error = new LabError("TIMEOUT", "late", "wait");',
    "await (Promise.resolve(1));\nconst again = error;\nagain.code",
  ]) {
    const result = await kernel.execute(code);
    assert.equal(result.status, "ok", result.error?.traceback.join("\n"));
  }
});

test("an error of a helper points at the line that called it, however late it comes", async (t) => {
  const kernel = await KernelClient.start({ cwd: courseRoot, env: { ...process.env, MQTT_LAB_ENGINE: "embedded" } });
  t.after(() => kernel.shutdown());
  assert.equal(
    (await kernel.execute('import { openLab } from "kernel-helpers"; const lab = await openLab("90-lines");')).status,
    "ok",
  );
  const places = {
    'const conf = "listen 1883";\nawait lab.broker({ conf });': "BAD_CONFIG",
    '// nobody listens there\nawait lab.client("mqtt://127.0.0.1:1");': "CONNECT_FAILED",
    '// nor here\nawait Promise.all([lab.raw("mqtt://127.0.0.1:1")]);': "CONNECT_FAILED",
  };
  for (const [code, ename] of Object.entries(places)) {
    const { error } = await kernel.execute(code);
    assert.equal(error?.ename, ename);
    assert.match(error?.traceback.join("\n") ?? "", /> 2 \| await/, code);
  }
});

test("what a cell makes of promises hangs neither it nor the cells after it", async (t) => {
  const kernel = await KernelClient.start({ cwd: courseRoot });
  t.after(() => kernel.shutdown());
  const value = valuesOf(kernel);
  await value("const kept = { then: Promise.prototype.then, Promise };");
  assert.equal(await value("Promise.prototype.then = () => undefined as any; 1"), "1");
  assert.equal(await value("2"), "2");
  assert.equal(await value("await null; 3"), "3");
  assert.equal(
    await value("Promise.prototype.then = (() => 0) as any; await null; String(kept.then).length > 0"),
    "true",
  );
  assert.equal(await value("Promise.prototype.then.length"), "0", "the cell's own is what cells find");
  const forever = kernel.execute("await new Promise(() => {})", { timeout: 1_000 });
  assert.equal((await forever).error?.ename, "KeyboardInterrupt");
  await value("Promise.prototype.then = kept.then;");
  assert.equal(await value("(globalThis as any).Promise = class {}; await null; 4"), "4");
  assert.equal(await value("(globalThis as any).Promise = kept.Promise; 5"), "5");
});
