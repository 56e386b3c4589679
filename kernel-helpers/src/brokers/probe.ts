/** Asks a listener whether it serves: an open port proves nothing, a published one answers before the broker does. */
import { randomBytes } from "node:crypto";
import { get } from "node:http";
import { get as getTls } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { PROBE_CLIENT } from "../core/log-book";
import type { Listener } from "./engine";
import type { ListenerPlan } from "./plan";

/** What has to be known of a listener to ask it. */
export type Asked = Pick<Listener, "host" | "hostPort" | "protocol" | "tls"> & Pick<ListenerPlan, "proxy">;

/**
 * Asks until the listener answers: a CONNACK with any reason code, through TLS a certificate alert as well, and any
 * HTTP answer of http_api. @throws the signal's reason when it is aborted first.
 */
export async function answers(listener: Asked, signal: AbortSignal): Promise<void> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    if (await askOnce(listener, signal)) return;
    await pause(Math.min(2 + tries * 2, 50), signal);
  }
}

async function askOnce(listener: Asked, signal: AbortSignal): Promise<boolean> {
  return listener.protocol === "http_api" ? askHttp(listener, signal) : askMqtt(listener, signal);
}

/** A CONNECT of MQTT 3.1.1 with a clean session: every listener answers it, if only to refuse it. */
export function probeConnect(): Buffer {
  const id = Buffer.from(`${PROBE_CLIENT}-${randomBytes(3).toString("hex")}`);
  const body = Buffer.concat([Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, id.length]), id]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

const DISCONNECT = Buffer.from([0xe0, 0]);
const WEBSOCKET_KEY = "bXF0dC1ub3RlYm9va3MhIQ==";

function askMqtt(listener: Asked, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const to = { host: listener.host, port: listener.hostPort };
    const plain = connect(to);
    let secure = !listener.tls;
    let socket: Socket = plain;
    let received = Buffer.alloc(0);
    const web = listener.protocol === "websockets";
    let upgraded = !web;

    let over = false;
    const done = (ready: boolean) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      if (ready && upgraded) socket.end(web ? frame(DISCONNECT) : DISCONNECT);
      else socket.destroy();
      if (socket !== plain) plain.destroySoon();
      // After the answer whatever happens to the connection is of no interest, but must have a listener.
      for (const one of [socket, plain]) one.on("error", () => {}).resume();
      resolve(ready);
    };
    const stop = () => done(false);
    const timer = setTimeout(stop, 2_000);
    signal.addEventListener("abort", stop, { once: true });

    const speak = () => socket.write(web ? upgradeRequest(listener) : probeConnect());
    const hear = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!upgraded) {
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!/^HTTP\/1\.1 101 /.test(received.toString("latin1", 0, end))) return done(false);
        upgraded = true;
        received = received.subarray(end + 4);
        socket.write(frame(probeConnect()));
      }
      const packet = web ? unframe(received) : received;
      if (packet.length >= 1) done(packet[0]! >> 4 === 2);
    };
    const failed = (error: Error & { code?: string }) => {
      // The other side speaks TLS and said no to us, not to the handshake: it serves those it knows.
      done(
        listener.tls && (secure || /^ERR_SSL_.*ALERT|EPROTO/.test(error.code ?? "")) && /alert/i.test(error.message),
      );
    };

    plain.on("connect", () => {
      plain.setNoDelay(true);
      if (listener.proxy) plain.write(proxyHeader(listener.proxy));
      if (!listener.tls) return void speak();
      const tls = connectTls({ socket: plain, rejectUnauthorized: false });
      socket = tls;
      tls.on("secureConnect", () => {
        secure = true;
        speak();
      });
      tls.on("data", hear).on("error", failed);
      tls.on("close", () => done(secure));
    });
    plain.on("error", failed);
    if (!listener.tls) plain.on("data", hear).on("close", () => done(false));
  });
}

/** A PROXY header for a relayed IPv4 connection: Mosquitto takes neither version 1's UNKNOWN nor version 2's LOCAL. */
function proxyHeader(version: 1 | 2): Buffer {
  if (version === 1) return Buffer.from("PROXY TCP4 127.0.0.1 127.0.0.1 1024 1883\r\n");
  const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
  const [command, family, length] = [0x21, 0x11, 12];
  return Buffer.from([...signature, command, family, 0, length, 127, 0, 0, 1, 127, 0, 0, 1, 4, 0, 7, 0x5b]);
}

function upgradeRequest({ host, hostPort }: Asked): string {
  return [
    "GET / HTTP/1.1",
    `Host: ${host}:${hostPort}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${WEBSOCKET_KEY}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: mqtt", // [MQTT-6.0.0-3]
    "",
    "",
  ].join("\r\n");
}

/** A masked binary frame (RFC 6455, 5.2) around fewer than 126 bytes. */
function frame(payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const masked = Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4]!));
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length]), mask, masked]);
}

/** What a server's first frame carries, as far as it has come. */
function unframe(bytes: Buffer): Buffer {
  return bytes.length > 2 && bytes[0] === 0x82 ? bytes.subarray(2) : Buffer.alloc(0);
}

function askHttp(listener: Asked, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: listener.host, port: listener.hostPort, path: "/api/v1/version", timeout: 2_000, signal };
    const answered = (response: { resume(): void }) => {
      response.resume();
      resolve(true);
    };
    const request = listener.tls
      ? getTls({ ...options, rejectUnauthorized: false, agent: false }, answered)
      : get({ ...options, agent: false }, answered);
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms);
    function finish() {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    }
    signal.addEventListener("abort", finish, { once: true });
  });
}
