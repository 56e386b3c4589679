/**
 * A process on this machine has neither a file system nor a network of its own: ports and paths of the learner's text
 * become real ones, line for line, and in what the broker says they become the learner's again. Pure.
 */
import { type ConfLine, type ConfReading, confLines, isLoopback, portNumber } from "../mosquitto-conf";

/** What stands for what. */
export interface Place {
  /** The folder that stands for /mosquitto. */
  readonly folder: string;
  /** Ports of this broker: the learner's number -> the real one. */
  readonly ports: ReadonlyMap<number, number>;
  /** Ports of the lab's brokers by "name:port". */
  readonly peers: ReadonlyMap<string, number>;
  /** Where this machine keeps Mosquitto's plugins; null when it is not known. */
  readonly plugins: string | null;
  /** The user to run as, in place of any that the text names; null leaves the text alone. */
  readonly user: string | null;
}

const HERE = "127.0.0.1";
const ROOT = /(^|[\s"'=:,(])\/mosquitto(?=\/(?:config|data|log)(?:\/|$|[\s"':,)])|\/?$)/g;
const PLUGIN = /\/usr\/lib\/(mosquitto_\w+\.so)/g;

/** The learner's paths in a text, as they are on this machine. */
export function toRealPaths(text: string, place: Pick<Place, "folder" | "plugins">): string {
  const rooted = text.replace(ROOT, (_, before: string) => before + place.folder);
  return place.plugins === null ? rooted : rooted.replace(PLUGIN, (_, name: string) => `${place.plugins}/${name}`);
}

/** The brokers that a configuration's bridges name, as "name:port". Dotted names and addresses are real hosts. */
export function namedPeers(texts: readonly string[]): string[] {
  const found = new Set<string>();
  for (const text of texts) {
    for (const { key, value } of confLines(text)) {
      if (key !== "address" && key !== "addresses") continue;
      for (const word of value.split(/ +/)) {
        const peer = peerOf(word);
        if (peer) found.add(peer);
      }
    }
  }
  return [...found];
}

function peerOf(word: string): string | null {
  const [, host, port = "1883"] = /^([a-z0-9][a-z0-9-]*)(?::(\d+))?$/.exec(word) ?? [];
  return host && /[a-z]/.test(host) && host !== "localhost" && portNumber(port) ? `${host}:${port}` : null;
}

/** A configuration as this machine needs it: the same number of lines before whatever has to be added. */
export function toRealConf(text: string, place: Place, reading: ConfReading, top = true): string {
  const lines = confLines(text).map((line) => toRealLine(line, place));
  const added: string[] = [];
  const { fallback } = reading;
  if (top && fallback) {
    // Mosquitto's own listener: 1883 unless `port` says otherwise, and on every address unless `bind_address` does.
    if (!fallback.hasPort) added.push(`port ${place.ports.get(fallback.port)}`);
    if (!fallback.hasBind) added.push(`bind_address ${HERE}`);
  }
  if (top && place.user !== null && reading.user === null) added.push(`user ${place.user}`);
  return added.length ? `${lines.join("\n")}\n${added.join("\n")}\n` : lines.join("\n");
}

function toRealLine(line: ConfLine, place: Place): string {
  const { key, value, text } = line;
  const words = value.split(/ +/);
  const real = (number: string | undefined) => place.ports.get(portNumber(number) ?? 0);
  switch (key) {
    case "listener": {
      if (portNumber(words[0]) === 0 && words[1]) return `listener 0 ${toSocketPath(words.slice(1).join(" "))}`;
      const port = real(words[0]);
      return port ? `listener ${withPort(words[0]!, port)} ${bindTo(words[1])}` : text;
    }
    case "port":
      return real(words[0]) ? `port ${withPort(words[0]!, real(words[0])!)}` : text;
    case "bind_address":
      return words[0] ? `bind_address ${bindTo(words[0])}` : text;
    case "bind_interface":
      return value ? "bind_interface lo" : text;
    case "user":
      return place.user !== null && value ? `user ${place.user}` : text;
    case "address":
    case "addresses":
      return `${key} ${words.map((word) => toRealAddress(word, place)).join(" ")}`;
    case "":
      return text;
    default:
      return toRealPaths(text, place);
  }
}

/** What follows the digits stays: it is for Mosquitto to refuse. */
const withPort = (word: string, port: number): string => word.replace(/^[+-]?\d+/, String(port));

/** Addresses become loopback, so that nothing of a lab is open to the network; a name that isn't one stays wrong. */
function bindTo(host: string | undefined): string {
  return !host || /^[\d.]+$/.test(host) || host.includes(":") || isLoopback(host) ? HERE : host;
}

/** A socket's path has room for about a hundred characters: relative to the folder the broker runs in. */
const toSocketPath = (path: string): string => path.replace(/^\/mosquitto\//, "");

function toRealAddress(word: string, place: Place): string {
  const peer = place.peers.get(peerOf(word) ?? "");
  if (peer) return `${HERE}:${peer}`;
  const [, host, port = "1883"] = /^([^:]+)(?::(\d+))?$/.exec(word) ?? [];
  const own = isLoopback(host) ? place.ports.get(Number(port)) : undefined;
  return own ? `${HERE}:${own}` : word;
}

/** What the broker or one of its tools said, in the learner's paths and ports. */
export function toLearnersWords(text: string, place: Place): string {
  let words = text.replaceAll(place.folder, "/mosquitto");
  if (place.plugins !== null) words = words.replaceAll(`${place.plugins}/mosquitto_`, "/usr/lib/mosquitto_");
  for (const [port, real] of place.ports) {
    words = words.replace(new RegExp(`\\bport ${real}\\b`, "g"), `port ${port}`);
  }
  for (const [peer, real] of place.peers) words = words.replace(new RegExp(`\\b127\\.0\\.0\\.1:${real}\\b`, "g"), peer);
  return words;
}

const CLIENT = /^mosquitto_(sub|pub|rr|ctrl)$/;

/** A command line as this machine needs it: paths everywhere, host and port for the programs that connect. */
export function toRealCommand(command: readonly string[], place: Place, own: string): string[] {
  const [program = "", ...given] = command;
  const args = given.map((word) => toRealPaths(word, place));
  if (!CLIENT.test(program)) return [program, ...args];
  const hostAt = indexOfValue(args, ["-h", "--host"]);
  const portAt = indexOfValue(args, ["-p", "--port"]);
  const urlAt = indexOfValue(args, ["-L", "--url"]);
  if (urlAt > 0) args[urlAt] = toRealUrl(args[urlAt]!, place, own);
  else if (!args.includes("--unix")) {
    const host = hostAt > 0 ? args[hostAt]! : "localhost";
    const secure = args.includes("--cafile") || args.includes("--capath");
    const found = lookUp(host, portAt > 0 ? args[portAt]! : secure ? "8883" : "1883", place, own);
    // Where localhost is ::1 only, nobody listens there; but a certificate may be for that name.
    const named = hostAt > 0 && (!secure || !isLoopback(host));
    if (found && named) args[hostAt] = HERE;
    if (found && portAt > 0) args[portAt] = String(found);
    else if (found) args.unshift("-p", String(found));
    if (found && hostAt < 0 && !secure) args.unshift("-h", HERE);
  }
  return [program, ...args];
}

/** Options stand before the words of a mosquitto_ctrl command; a payload that looks like one is not looked at. */
function indexOfValue(args: readonly string[], names: readonly string[]): number {
  for (let index = 0; index < args.length - 1; index++) {
    if (names.includes(args[index]!)) return index + 1;
    if (/^(-[Dimtu]|-P|-T|--message|--topic|--username|--pw)$/.test(args[index]!)) index++;
  }
  return -1;
}

function lookUp(host: string, port: string, place: Place, own: string): number | undefined {
  return isLoopback(host) || host === own ? place.ports.get(Number(port)) : place.peers.get(`${host}:${port}`);
}

function toRealUrl(url: string, place: Place, own: string): string {
  const [, before, host, port, after] = /^(mqtts?:\/\/(?:[^@/]*@)?)([^:/]+)(?::(\d+))?(\/.*)?$/.exec(url) ?? [];
  if (!before || !host) return url;
  const found = lookUp(host, port ?? (before.startsWith("mqtts") ? "8883" : "1883"), place, own);
  return found ? `${before}${HERE}:${found}${after ?? ""}` : url;
}
