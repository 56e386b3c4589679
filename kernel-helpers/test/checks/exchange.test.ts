import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "node:util";
import { decode, type Encoded, encode, LIMITS } from "kernel-helpers/dist/checks/exchange";
import { Opaque, sameValue, showValue } from "kernel-helpers/dist/checks/show-value";

/** There and back through JSON, as on the judge's wire. */
const travel = (value: unknown): unknown =>
  decode(JSON.parse(JSON.stringify(encode(value, { isProxy: types.isProxy }))) as Encoded);

test("plain data arrives as it was", () => {
  const values = [
    null,
    undefined,
    true,
    0,
    -0,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    123n,
    "text\u0000\ud83d\ude00",
    [1, [2, undefined]],
    { a: { b: [null] } },
    new Uint8Array([0, 255, 7]),
    new Date(0),
    new Map([["k", 1]]),
    new Set([1, 2]),
    { $: "function", v: 3 },
  ];
  for (const value of values)
    assert.ok(sameValue(travel(value), value), `${showValue(value)} became ${showValue(travel(value))}`);
});

test("a key named __proto__ is a key, and reaches no prototype", () => {
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}') as object;
  const arrived = travel(hostile) as object;
  assert.deepEqual(Object.keys(arrived), ["__proto__", "a"]);
  assert.equal(Object.getPrototypeOf(arrived), Object.prototype);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("nothing of a hostile value is called", () => {
  let called = 0;
  const touch = (): never => {
    called++;
    throw new Error("touched");
  };
  const hostile = {
    get computed() {
      return touch();
    },
    toJSON: touch,
    [Symbol.iterator]: touch,
    proxy: new Proxy({}, { get: touch, ownKeys: touch, getPrototypeOf: touch, getOwnPropertyDescriptor: touch }),
    array: Object.defineProperty([1], 0, { get: touch }),
  };
  const arrived = travel(hostile) as Record<string, unknown>;
  assert.equal(called, 0);
  assert.equal(showValue(arrived.computed), "a computed value");
  assert.equal(showValue(arrived.proxy), "a Proxy");
  assert.equal(showValue(arrived.array), "[a computed value]");
});

test("what cannot be copied says what it is, and equals nothing", () => {
  const promise = travel(Promise.resolve(1));
  assert.equal(showValue(promise), "a promise (await it first)");
  assert.equal(sameValue(promise, promise), false);
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  assert.match(showValue(travel(loop)), /contains itself/);
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = { deep };
  assert.ok(travel(deep));
});

test("something huge becomes an opaque value", () => {
  const huge = [new Array(LIMITS.nodes + 1).fill(0), "x".repeat(LIMITS.text + 1), new Uint8Array(LIMITS.text)];
  for (const value of huge) assert.match(showValue(travel(value)), /too large/);
});

test("functions become stubs, handles become what the receiver resolves", async () => {
  const broker = { secret: "never copied" };
  const kept: ((...args: unknown[]) => unknown)[] = [];
  const encoded = encode(
    { fn: (n: unknown) => Number(n) + 1, broker },
    {
      keep: (fn) => kept.push(fn) - 1,
      refer: (value) => (value === broker ? { kind: "broker", id: "b1" } : undefined),
    },
  );
  assert.ok(!JSON.stringify(encoded).includes("never copied"));
  const arrived = decode(encoded, {
    resolve: (kind, id) => `${kind} ${id}`,
    stub:
      (id) =>
      async (...args) =>
        kept[id]?.(...args),
  }) as { fn: (n: number) => Promise<number>; broker: string };
  assert.equal(await arrived.fn(1), 2);
  assert.equal(arrived.broker, "broker b1");
});

test("hostile messages are read without harm", () => {
  const hostile: Encoded[] = [
    { $: "broker", v: "not mine" },
    { $: "function", v: "x" },
    { $: "nonsense" },
    { $: "bytes", v: "%%%" },
    { $: "map", v: [[1], "x", { $: "map" }] },
    { $: "bigint", v: "1e400" },
    { $: "error", v: 7 },
    { $: { $: "x" } },
  ];
  for (const one of hostile) assert.doesNotThrow(() => decode(one));
  assert.ok(decode({ $: "broker", v: "not mine" }) instanceof Opaque);
  let deep: Encoded = 1;
  for (let i = 0; i < 5_000; i++) deep = [deep];
  assert.throws(() => decode(deep), RangeError);
});

test("an error arrives with its words and without a stack of ours", () => {
  const error = Object.assign(new TypeError("no"), { code: "E1", extra: { a: 1 } });
  const arrived = travel(error) as Error & { code: string };
  assert.ok(arrived instanceof Error);
  assert.deepEqual([arrived.name, arrived.message, arrived.code, arrived.stack], ["TypeError", "no", "E1", undefined]);
});
