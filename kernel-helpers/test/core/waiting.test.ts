import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { until } from "kernel-helpers/dist/core/until";
import { Waiting } from "kernel-helpers/dist/mqtt/waiting";

/** Two ends of a connection within this process. */
async function withPair(run: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const near = connect({ port, host: "127.0.0.1", noDelay: true });
  const far = await accepted;
  try {
    await run(near, far);
  } finally {
    near.destroy();
    far.destroy();
    server.close();
  }
}

/** As a machine does that has no time for this process, or sleeps. */
const standStill = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test("who waits does not give up for news that came while the process stood still", async () => {
  await withPair(async (near, far) => {
    let came = "";
    const waiting = new Waiting();
    far.setEncoding("utf8").on("data", (text: string) => {
      came += text;
      waiting.notify();
    });
    for (const [letter, wait] of [
      ["a", () => until("it came", () => came.includes("a"), { timeout: 100 })],
      ["b", () => waiting.until(() => came.includes("b") || undefined, 100)],
    ] as const) {
      const waited = wait();
      setImmediate(() => {
        near.write(letter);
        standStill(400);
      });
      assert.equal(await waited, true);
    }
  });
});

test("who waits in vain is told in time", async () => {
  const began = performance.now();
  await assert.rejects(
    until("pigs fly", () => false, { timeout: 100 }),
    /waited 100 ms in vain until pigs fly/,
  );
  assert.equal(await new Waiting().until(() => undefined, 100), undefined);
  const took = performance.now() - began;
  assert.ok(took >= 190, `${took} ms`);
});
