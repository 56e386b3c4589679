import assert from "node:assert/strict";
import { test } from "node:test";
import { Expectations } from "kernel-helpers/dist/checks/expect";
import { judge } from "kernel-helpers/dist/checks/judge";
import { summary } from "kernel-helpers/dist/checks/outcome";

type Body = (t: Expectations) => Promise<void> | void;
const run = (body: Body, points = 2, limit?: number) => judge("c", points, new Expectations(), body, limit);

test("rows that all hold are a pass, one that does not is a failure with the next place to look", async () => {
  const passed = await run((t) => void t.equal([1, { a: "b" }], [1, { a: "b" }], "same"));
  assert.equal(summary(passed), "c: passed, 2 of 2 points");
  assert.equal(passed.next, "");
  const failed = await run((t) => {
    t.lookAt("the log");
    t.equal(1, 2, "number");
    t.lookAt("somewhere else");
  });
  assert.deepEqual([failed.status, failed.score, failed.next], ["failed", 0, "the log"]);
  assert.deepEqual(failed.findings[0], { what: "number", ok: false, expected: "2", observed: "1" });
});

test("a check that asserts nothing has proven nothing", async () => {
  const outcome = await run(() => undefined);
  assert.deepEqual([outcome.status, outcome.score], ["error", 0]);
});

test("a part that the helpers miss is an error of the check, one that an answer misses is the answer's", async () => {
  const missing = (from: string) => () => {
    throw Object.assign(new Error("Cannot find module 'a'\nRequire stack:"), {
      code: "MODULE_NOT_FOUND",
      requireStack: [from],
    });
  };
  const own = await run(missing("/course/kernel-helpers/dist/certs/authority-rsa.js"));
  assert.deepEqual([own.status, own.reasons], ["error", ["the check itself could not run: Cannot find module 'a'"]]);
  assert.equal((await run(missing("/course/notebooks/cell.ts"))).status, "failed");
});

test("awards are part of the points, and never more than there are", async () => {
  const partly = await run((t) => {
    t.ok(false, "one");
    t.award(1, "the other");
  });
  assert.deepEqual([partly.status, partly.score], ["partly", 1]);
  const tooMuch = await run((t) => {
    t.ok(true, "one");
    t.award(3, "all");
  });
  assert.deepEqual([tooMuch.status, tooMuch.score], ["error", 0]);
  const overARed = await run((t) => {
    t.ok(false, "one");
    t.award(2, "all the same");
  });
  assert.deepEqual([overARed.status, overARed.score], ["error", 0]);
  const none = await run((t) => void (t.ok(false, "one") || t.award(0, "nothing")));
  assert.deepEqual([none.status, none.score], ["failed", 0]);
});

test("only true is true, only numbers are within, only text matches", async () => {
  const t = new Expectations();
  assert.equal(t.ok(1 as unknown as boolean, "truthy"), false);
  assert.equal(t.within("5", 1, 9, "text"), false);
  assert.equal(t.within(Number.NaN, 1, 9, "nan"), false);
  assert.equal(t.match({ toString: () => "abc" }, /abc/, "object"), false);
  assert.equal(t.equal({ a: 1, b: undefined }, { a: 1 }, "keys"), false);
});

test("an empty stub is untouched, what cannot be shown is unavailable", async () => {
  for (const empty of ["", "  \n", undefined, null]) {
    const outcome = await run((t) => void t.answered(empty, "the answer"));
    assert.deepEqual([outcome.status, outcome.score], ["untouched", 0]);
    assert.match(outcome.next, /^write your answer/);
  }
  const outcome = await run((t) => t.unavailable("needs 2.1"));
  assert.deepEqual([outcome.status, outcome.reasons[0]], ["unavailable", "needs 2.1"]);
});

test("whatever is thrown is a row of the card", async () => {
  const hostile = Object.defineProperty({}, "message", {
    get() {
      throw new Error("a trap");
    },
  });
  for (const thrown of [new Error("boom"), "text", undefined, 7, hostile, Object.create(null)]) {
    const outcome = await run(() => {
      throw thrown;
    });
    assert.deepEqual([outcome.status, outcome.score, outcome.findings.length], ["failed", 0, 1]);
  }
});

test("a check that hangs is ended, and says so", async () => {
  const outcome = await run(() => new Promise(() => undefined), 2, 30);
  assert.deepEqual([outcome.status, outcome.timedOut, outcome.score], ["failed", true, 0]);
});
