/**
 * Reads mosquitto.conf as Mosquitto does, as far as a plan needs it, and tolerates anything: what is wrong is for
 * Mosquitto itself to say, in its own words.
 */
import type { ListenerPlan, ListenerProtocol } from "./plan";

/** A line of the text. `key` is "" for blank lines and comments. */
export interface ConfLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly key: string;
  readonly value: string;
}

/** What a configuration says, as far as a plan needs it. */
export interface ConfReading {
  readonly listeners: readonly ListenerPlan[];
  /** The default listener, which options outside any `listener` open; and which of its two words were written. */
  readonly fallback: { readonly port: number; readonly hasPort: boolean; readonly hasBind: boolean } | null;
  /** No listener of any kind: Mosquitto opens 1883 on its own loopback only. */
  readonly localOnly: boolean;
  /** Paths of the plugins it loads, in order. */
  readonly plugins: readonly string[];
  /** The user it names, if any. */
  readonly user: string | null;
  /** Folders whose *.conf files it includes. */
  readonly includes: readonly string[];
  readonly bridges: readonly string[];
  readonly tls: boolean;
}

/** Options of a listener: before the first `listener` line they open the default listener, on 1883. */
const OPENS_DEFAULT = new Set(
  "port bind_address bind_interface cafile capath certfile keyfile max_connections mount_point protocol psk_hint socket_domain use_identity_as_username use_subject_as_username".split(
    " ",
  ),
);
const PLUGIN_KEYS = new Set(["plugin", "global_plugin", "plugin_load", "auth_plugin"]);

/** Splits a text into lines and each into its first word and the rest, as Mosquitto's parser does. */
export function confLines(text: string): ConfLine[] {
  return text.split("\n").map((raw, index) => {
    const line = raw.replace(/\r+$/, "");
    const words = /^ *([^ ]+) *(.*)$/.exec(index === 0 ? line.replace(/^\uFEFF/, "") : line);
    const comment = !words || line.startsWith("#");
    return { number: index + 1, text: raw, key: comment ? "" : words[1]!, value: comment ? "" : words[2]!.trim() };
  });
}

/** Removes the indentation that all lines share. Lines keep their numbers. */
export function dedent(text: string): string {
  const lines = text.split("\n");
  const indents = lines.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)![0]);
  let common = indents[0] ?? "";
  for (const indent of indents) while (!indent.startsWith(common)) common = common.slice(0, -1);
  return lines.map((line) => (line.trim() ? line.slice(common.length) : line.trimStart())).join("\n");
}

interface Draft {
  port: number;
  protocol: string;
  bind?: string;
  tls: boolean;
  proxy?: 1 | 2;
  line: number;
  open: boolean;
  socket: boolean;
}

/**
 * The port that Mosquitto takes a word for, or null. Its 2.0 releases read what digits the word begins with, into 32
 * bits; 2.1 refuses the rest. What might be a port has to count as one: a listener must not escape notice.
 */
export function portNumber(word: string | undefined): number | null {
  const digits = /^\s*([+-]?\d{1,18})/.exec(word ?? "")?.[1];
  if (digits === undefined) return null;
  const port = Number(BigInt.asIntN(32, BigInt(digits.replace("+", ""))));
  return port >= 0 && port <= 65_535 ? port : null;
}

/**
 * Reads a configuration. null = none at all.
 * @param included the texts of the files that an `include_dir` brings in, by that folder, in the order of their names.
 */
export function readConf(text: string | null, included: (folder: string) => readonly string[] = () => []): ConfReading {
  const fallback: Draft = { port: 1883, protocol: "mqtt", tls: false, line: 0, open: false, socket: false };
  const drafts: Draft[] = [fallback];
  const plugins: string[] = [];
  const includes: string[] = [];
  const bridges: string[] = [];
  const seen = { user: null as string | null, tls: false, port: false, bind: false };

  const read = (source: string, top: boolean, depth: number): void => {
    let current = fallback;
    for (const { number, key, value } of confLines(source)) {
      const words = value.split(/ +/);
      if (key === "listener") {
        current = { ...fallback, ...listenerWords(words), line: top ? number : 0, tls: false, proxy: undefined };
        if (current.open || current.socket) drafts.push(current);
      } else if (key === "include_dir") {
        includes.push(value);
        // Mosquitto stops at ten levels; a folder that includes itself ends here too.
        if (depth < 10) for (const other of included(value)) read(other, false, depth + 1);
      } else if (PLUGIN_KEYS.has(key)) plugins.push(key === "plugin_load" ? words.slice(1).join(" ") : value);
      else if (key === "user") seen.user = value;
      else if (key === "connection") bridges.push(value);
      else if (/^bridge_(cafile|capath|certfile|psk|tls_)/.test(key)) seen.tls = true;
      else option(key === "port" || key === "bind_address" ? fallback : current, key, words, top ? number : 0);
    }
  };

  const option = (draft: Draft, key: string, words: string[], line: number): void => {
    if (draft === fallback && OPENS_DEFAULT.has(key) && words[0] && !draft.open) {
      draft.open = true;
      draft.line = line;
    }
    if (key === "port") {
      draft.port = portNumber(words[0]) ?? draft.port;
      seen.port ||= Boolean(words[0]);
    } else if (key === "bind_address") {
      draft.bind = words[0];
      seen.bind ||= Boolean(words[0]);
    }
    if (key === "bind_interface" && words[0] === "lo") draft.bind ??= "localhost";
    if (key === "protocol") draft.protocol = words[0] ?? "";
    else if (key === "certfile" || key === "psk_hint") draft.tls = true;
    else if (key === "enable_proxy_protocol") draft.proxy = words[0] === "1" ? 1 : words[0] === "2" ? 2 : undefined;
  };

  if (text !== null) read(text, true, 0);
  const localOnly = drafts.every((draft) => !draft.open && !draft.socket);
  const opened = fallback.open ? { port: fallback.port, hasPort: seen.port, hasBind: seen.bind } : null;
  if (localOnly) Object.assign(fallback, { open: true, bind: "localhost" });
  const listeners = distinct(drafts.filter((draft) => draft.open).map(toPlan));
  const tls = seen.tls || listeners.some((listener) => listener.tls);
  return { listeners, fallback: opened, localOnly, plugins, user: seen.user, includes, bridges, tls };
}

function listenerWords(words: string[]): Partial<Draft> {
  const port = portNumber(words[0]);
  const unix = port === 0 && Boolean(words[1]);
  return { port: port ?? 0, bind: words[1] || undefined, open: port !== null && port > 0, socket: unix };
}

function toPlan(draft: Draft): ListenerPlan {
  const known: ListenerProtocol[] = ["mqtt", "websockets", "http_api"];
  const protocol = known.find((one) => one === draft.protocol) ?? "mqtt";
  return {
    port: draft.port,
    protocol,
    ...(draft.bind ? { bind: draft.bind } : {}),
    ...(draft.proxy ? { proxy: draft.proxy } : {}),
    tls: draft.tls,
    line: draft.line,
  };
}

/** One listener for each port: a second on another address of the same port is reached through the first. */
function distinct(listeners: ListenerPlan[]): ListenerPlan[] {
  return listeners.filter((one, index) => listeners.findIndex((other) => other.port === one.port) === index);
}

/** Whether an address can only be reached from the machine (or the container) itself. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}
