import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Channels, newConnection } from "kernel-helpers/dist/kernel/channels";
import { KernelProcess } from "kernel-helpers/dist/kernel/kernel-process";
import { address, decode, encode, newHeader, parseConnection } from "kernel-helpers/dist/kernel/protocol";
import { argvFor } from "./suite";

const bytes = (frames: (Uint8Array | string)[]): Buffer[] => frames.map((frame) => Buffer.from(frame as string));
const message = (identity = "who"): Buffer[] =>
  bytes(
    encode("secret", {
      identities: [Buffer.from(identity)],
      header: newHeader("execute_request", "s"),
      json: '{"code":"1 – €"}',
    }),
  );

test("a message comes back as it went out", () => {
  const { identities, header, parent, metadata, content } = decode("secret", message());
  assert.deepEqual(identities.map(String), ["who"]);
  assert.equal(header.msg_type, "execute_request");
  assert.deepEqual([parent, metadata, content], [{}, {}, { code: "1 – €" }]);
});

test("a wrong key, a changed part, missing frames and no JSON are refused", () => {
  assert.throws(() => decode("other", message()), /signature/);
  const changed = message();
  changed[changed.length - 1] = Buffer.from('{"code":"2"}');
  assert.throws(() => decode("secret", changed), /signature/);
  assert.throws(() => decode("secret", message().slice(0, 4)), /frames are missing/);
  assert.throws(() => decode("secret", bytes(["no", "delimiter"])), /frames are missing/);
  assert.throws(() => decode("", bytes(["<IDS|MSG>", "", "{", "{}", "{}", "{}"])), SyntaxError);
});

test("connection files: other schemes and missing ports are told", async () => {
  const good = await newConnection();
  assert.deepEqual(parseConnection(JSON.stringify(good)), good);
  assert.throws(() => parseConnection(JSON.stringify({ ...good, signature_scheme: "hmac-md5" })), /hmac-md5/);
  assert.throws(() => parseConnection(JSON.stringify({ ...good, hb_port: undefined })), /hb_port/);
  assert.equal(address({ ...good, transport: "ipc", ip: "/run/k" }, 2), "ipc:///run/k-2");
  assert.equal(new Set(Object.values(good).filter((value) => typeof value === "number")).size, 5);
});

test("a message with a wrong signature gets no answer and harms nothing", async () => {
  const connection = await newConnection();
  const kernel = new KernelProcess(connection, { argv: argvFor(process.execPath), cwd: process.cwd() });
  try {
    const forged = await Channels.open({ ...connection, key: "guessed" }, () => {});
    forged.send("shell", "execute_request", { code: "process.kill(process.pid)" });
    const answers: string[] = [];
    await new Promise<void>((resolve) => {
      void Channels.open(connection, ({ header }, channel) => {
        if (channel !== "iopub") answers.push(header.msg_type);
        if (header.msg_type === "is_complete_reply") resolve();
      }).then((honest) => {
        honest.send("shell", "kernel_info_request", {});
        honest.send("shell", "is_complete_request", { code: "1" });
        void kernel.ended.then(() => honest.close());
      });
    });
    assert.deepEqual(answers, ["kernel_info_reply", "is_complete_reply"]);
    forged.close();
    assert.equal(kernel.gone, false);
    assert.match(kernel.lastWords, /dropped a message: .*signature/);
  } finally {
    kernel.kill();
    await kernel.ended;
  }
});

test("a kernel whose port is taken says so and ends", async () => {
  const connection = await newConnection();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(connection.control_port, "127.0.0.1", resolve));
  const kernel = new KernelProcess(connection, { argv: argvFor(process.execPath), cwd: process.cwd() });
  await kernel.ended;
  assert.match(kernel.death().message, /EADDRINUSE/);
  await new Promise((resolve) => server.close(resolve));
});
