import assert from "node:assert/strict";
import { createConnection, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { FRAME_LIMIT, FrameReader, frame } from "kernel-helpers/dist/checks/frames";
import { shareHere } from "kernel-helpers/dist/checks/local";
import { Partner } from "kernel-helpers/dist/checks/partner";
import { Peer, type PeerOptions } from "kernel-helpers/dist/checks/peer";
import { Seeded } from "kernel-helpers/dist/checks/seeded";
import { LabError } from "kernel-helpers/dist/core/errors";

test("frames arrive whole, whatever the chunks", () => {
  const messages = [{ a: 1 }, "é€😀".repeat(1000), null];
  const bytes = Buffer.concat(messages.map(frame));
  for (const size of [1, 3, 7, bytes.length]) {
    const reader = new FrameReader();
    const got: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) got.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(got, messages);
  }
});

test("a length beyond the limit, broken JSON and broken UTF-8 end the stream", () => {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, FRAME_LIMIT + 1);
  assert.throws(() => new FrameReader().push(length), RangeError);
  assert.throws(() => new FrameReader().push(Buffer.from([0, 0, 0, 1, 0x7b])), SyntaxError);
  assert.throws(() => new FrameReader().push(Buffer.from([0, 0, 0, 2, 0x22, 0xff])));
});

async function pair(
  left: PeerOptions,
  right: PeerOptions = {},
): Promise<{ a: Peer; b: Peer; raw: Socket; end(): void }> {
  let served: Socket | undefined;
  const server = createServer((socket) => {
    served = socket;
    server.emit("served");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const arrived = new Promise((resolve) => server.once("served", resolve));
  const raw = createConnection(port, "127.0.0.1");
  await arrived;
  const a = new Peer(served as Socket, left);
  const b = new Peer(raw, right);
  return {
    a,
    b,
    raw,
    end: () => {
      a.close();
      b.close();
      server.close();
    },
  };
}

test("calls are answered, failures arrive as errors with their hint, unknown calls are refused", async () => {
  const { b, end } = await pair({
    calls: {
      echo: (args) => args,
      fail: () => {
        throw new LabError("BAD_CONFIG", "line 3", "look there");
      },
    },
  });
  assert.deepEqual(await b.call("echo", [1, { a: null }]), [1, { a: null }]);
  await assert.rejects(
    b.call("fail", null),
    (error: LabError) => error.code === "BAD_CONFIG" && error.hint === "look there",
  );
  await assert.rejects(b.call("constructor", null), /no call/);
  await assert.rejects(b.call("__proto__", null), /no call/);
  end();
});

test("a call that is not answered in time fails, and its late answer is harmless", async () => {
  let answer: (() => void) | undefined;
  const { b, end } = await pair({
    calls: {
      slow: () =>
        new Promise((resolve) => {
          answer = () => resolve(1);
        }),
    },
  });
  await assert.rejects(b.call("slow", null, 40), /no answer within/);
  answer?.();
  end();
});

test("a hostile peer ends its own connection and nothing else", async () => {
  const hostile = [
    Buffer.from([0, 0, 0, 1, 0x7b]),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    frame(null),
    frame({ id: 1e300, call: "x" }),
    frame({ id: 1 }),
  ];
  for (const bytes of hostile) {
    const { a, raw, end } = await pair({});
    const ended = new Promise<string>((resolve) => a.onClose(resolve));
    raw.write(bytes);
    assert.match(await ended, /no one may send/);
    end();
  }
  const { a, b, end } = await pair({ atOnce: 4, calls: { hang: () => new Promise(() => undefined) } });
  const ended = new Promise<string>((resolve) => a.onClose(resolve));
  for (let i = 0; i < 5; i++) b.call("hang", null).catch(() => undefined);
  assert.match(await ended, /too many/);
  end();
});

test("calls under way fail when the connection ends", async () => {
  const { a, b, end } = await pair({ calls: { hang: () => new Promise(() => undefined) } });
  const call = b.call("hang", null);
  a.close();
  await assert.rejects(call, /ended/);
  await assert.rejects(b.call("hang", null), /ended/);
  end();
});

test("functions are called across, with their callbacks, until they are forgotten", async () => {
  let left: Partner | undefined;
  let right: Partner | undefined;
  const { a, b, end } = await pair(
    { calls: { function: (message) => (left as Partner).serve(message) } },
    { calls: { function: (message) => (right as Partner).serve(message) } },
  );
  left = new Partner({ peer: a });
  right = new Partner({ peer: b });
  const learners = async (each: (n: number) => Promise<number>) => (await each(20)) + 1;
  const stub = left.decode(right.encode(learners)) as (each: (n: number) => number) => Promise<number>;
  assert.equal(await stub((n) => n * 2), 41);
  const throws = left.decode(
    right.encode(() => {
      throw 7;
    }),
  ) as () => Promise<void>;
  await assert.rejects(throws(), /your function threw 7/);
  right.forget();
  await assert.rejects(
    stub((n) => n),
    /not there any more/,
  );
  end();
});

test("in a lesson a check gets copies, and functions behind a limit", async () => {
  const handle = {};
  const mine = { list: [1], fn: (list: number[]) => list.push(9), handle };
  const shared = shareHere(mine, { kindOf: (value) => (value === handle ? "tap" : undefined) }) as typeof mine;
  assert.notEqual(shared.list, mine.list);
  assert.equal(shared.handle, handle);
  mine.list.push(2);
  assert.deepEqual(shared.list, [1]);
  assert.equal(await shared.fn(shared.list), 2);
  assert.deepEqual(shared.list, [1], "a learner's function gets a copy too");
});

test("a seed gives the same values again, another one others", () => {
  const values = (seed: string) => {
    const random = new Seeded(seed);
    return [random.word(), random.integer(1, 6), random.word()];
  };
  assert.deepEqual(values("a"), values("a"));
  assert.notDeepEqual(values("a"), values("b"));
  const random = new Seeded("range");
  const seen = new Set(Array.from({ length: 600 }, () => random.integer(1, 6)));
  assert.deepEqual([...seen].sort(), [1, 2, 3, 4, 5, 6]);
});
