import assert from "node:assert/strict";
import { test } from "node:test";
import { withOwnNames } from "kernel-helpers/dist/lab/own-names";
import { withSoundGlobals } from "kernel-helpers/dist/lab/sound-globals";

const holder = globalThis as unknown as Record<string, unknown>;

test("while a check runs the language is as it was; afterwards it is again what cells made of it", async () => {
  const { setTimeout: wait, Date: time } = globalThis;
  const { at } = Array.prototype;
  const { parse } = JSON;
  const fake = () => 0;
  const lists = Array.prototype as unknown as Record<string, unknown>;
  try {
    holder.setTimeout = fake;
    holder.Date = class {};
    holder.mine = "stays";
    lists.at = () => "a cell's";
    lists.last = () => "of one's own";
    JSON.parse = () => "nothing";
    await withSoundGlobals(async () => {
      assert.equal(globalThis.setTimeout, wait);
      assert.equal(globalThis.Date, time);
      assert.equal([1, 2].at(-1), 2);
      assert.deepEqual(JSON.parse("[1]"), [1]);
      assert.deepEqual([holder.mine, (lists.last as () => string)()], ["stays", "of one's own"]);
      const seen: string[] = [];
      for (const key in [7]) seen.push(key);
      assert.deepEqual(seen, ["0"], "an added method is in nobody's way");
    });
    assert.equal(globalThis.setTimeout, fake);
    assert.equal([1].at(0) as unknown, "a cell's");
    assert.equal(JSON.parse("[1]"), "nothing");
    assert.ok(Object.getOwnPropertyDescriptor(lists, "last")?.enumerable);
    await assert.rejects(
      withSoundGlobals(() => Promise.reject(new Error("a check that broke"))),
      /a check that broke/,
    );
    assert.equal(globalThis.setTimeout, fake, "also when it broke");
  } finally {
    Object.assign(globalThis, { setTimeout: wait, Date: time });
    delete holder.mine;
    JSON.parse = parse;
    lists.at = at;
    delete lists.last;
  }
});

test("a check finds the language's own names, whatever cells call theirs", async () => {
  // As the kernel writes a name of an earlier cell's.
  const exports = { Math: { max: () => 99 }, Number: () => -1 };
  const seen: unknown[] = [];
  const body = async (t: { equal(a: unknown): void }, given: { list: number[] }) =>
    t.equal([exports.Math.max(...(given.list as [])), (exports.Number as (text: string) => number)("7")]);
  const t = { equal: (one: unknown) => void seen.push(one) };
  await body(t, { list: [1, 2] });
  await (withOwnNames(body as never) as unknown as typeof body)(t, { list: [1, 2] });
  assert.deepEqual(seen, [
    [99, -1],
    [2, 7],
  ]);
  const method = { check() {} }.check;
  assert.equal(withOwnNames(method as never), method);
});
