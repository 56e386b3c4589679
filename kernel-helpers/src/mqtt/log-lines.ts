import { bytesText } from "./cursor";
import { explainReasonCode } from "./reason-codes";

interface Known {
  readonly pattern: RegExp;
  readonly meaning: string | ((match: RegExpExecArray) => string);
  readonly weight?: "notice" | "warning" | "error";
}

const known = (pattern: RegExp, meaning: Known["meaning"], weight?: Known["weight"]): Known => ({
  pattern,
  meaning,
  weight,
});

const FEATURES: Readonly<Record<string, string>> = {
  Bridge: "bridges to other brokers",
  Persistence: "persistence",
  TLS: "TLS",
  "TLS-PSK": "TLS with shared keys instead of certificates",
  Websockets: "WebSockets",
};

/** From start to end of the program. */
const LIFE: readonly Known[] = [
  known(/^mosquitto version (\S+) starting/, ([, v]) => `The program starts; it is Mosquitto ${v}.`),
  known(/^mosquitto version \S+ running/, "Start-up is over: every listener is open.", "notice"),
  known(/^mosquitto version \S+ terminating/, "The program was told to end (SIGTERM), and does so in order.", "notice"),
  known(/^Config loaded from (.+)\.$/, ([, file]) => `The configuration file ${file} was read without an error.`),
  known(/^Loading config file '?(.+?)'?$/, ([, file]) => `include_dir: ${file} is read as well.`),
  known(/^Using default config\.$/, "No configuration file was given."),
  known(/^Configuration file is OK\.$/, "--test-config found nothing wrong."),
  known(
    /^Reloading config\.$/,
    "SIGHUP: password, ACL and certificate files and some options are read again.",
    "notice",
  ),
  known(
    /^Starting in local only mode/,
    "No listener is configured: only clients on the same machine (in a container: in the same container) get in.",
    "warning",
  ),
  known(
    /^Create a configuration file which defines a listener/,
    "What to do about it: a `listener` line opens the broker to others.",
  ),
  known(
    /^For more details see https:\/\/mosquitto\.org\/documentation\/authentication-methods/,
    "Also without `listener`: whether clients need a password is decided by `allow_anonymous`.",
  ),
  known(
    /^Opening (ipv4|ipv6) listen socket on port (\d+)/,
    ([, ip, port]) => `A listener for MQTT opens on port ${port} (${ip === "ipv4" ? "IPv4" : "IPv6"}).`,
  ),
  known(
    /^Opening websockets listen socket on port (\d+)/,
    ([, port]) => `A listener for MQTT over WebSockets opens on port ${port}.`,
  ),
  known(
    /^Opening http api listen socket on port (\d+)/,
    ([, port]) => `The HTTP interface opens on port ${port}; it has no login of its own.`,
  ),
  known(/^Opening unix listen socket on path (.+)\.$/, ([, path]) => `A listener opens on the Unix socket ${path}.`),
  known(
    /^Creating default listener due to '(.+)' option/,
    ([, option]) => `\`${option}\` without a \`listener\` line: a listener on port 1883 is made for it.`,
  ),
  known(/^It is best practice to define a 'listener' first/, "Write `listener` above the options that belong to it."),
  known(
    /^(Bridge|Persistence|TLS|TLS-PSK|Websockets) support (NOT )?available\.$/,
    ([, what, not]) => `This build of Mosquitto ${not ? "cannot do" : "can do"} ${FEATURES[what!]}.`,
  ),
  known(
    /^Info: running mosquitto as user(?: id)?: (.+)\.$/,
    ([, user]) => `Started as root, it goes on as ${user}: files that it needs later must be readable for that user.`,
  ),
  known(
    /^Warning: Mosquitto should not be run as root/,
    "It runs as root because the configuration says `user root`.",
    "warning",
  ),
  known(/^Loading plugin: (.+)$/, ([, path]) => `The plugin ${path} is loaded.`),
  known(
    /^Plugin builtin-security has registered to receive '(.+)' events/,
    ([, event]) => `The broker's own security (password file, ACL file) is asked at every ${event} from now on.`,
  ),
  known(
    /^(?:Plugin (\S+)|Plugin) has registered to receive '(.+)' events/,
    ([, name, event]) => `${name ? `The plugin ${name}` : "A plugin"} is asked at every ${event} from now on.`,
  ),
  known(/^(?: +[├└│].*|\s+.. Plugin.*|.*(?:├|└)──.*)$/, "A detail of the plugin above."),
  known(
    /^The '(.+)' option is now deprecated/,
    ([, option]) => `\`${option}\` still works, and will be gone in Mosquitto 3.`,
    "warning",
  ),
  known(
    /^Warning: The '?(.+?)'? option is no longer available/,
    ([, option]) => `\`${option}\` does nothing any more.`,
    "warning",
  ),
];

const NOTES: readonly Known[] = [
  known(
    /^Note: It is recommended to replace `message_size_limit` with `max_packet_size`/,
    "`message_size_limit` drops large messages silently; `max_packet_size` tells the client.",
  ),
  known(/^To fix this, use `(.+)`\.$/, ([, command]) => `What to do about the warning above: ${command}`),
];

const STORE: readonly Known[] = [
  known(
    /^Saving in-memory database to (.+)\.$/,
    ([, file]) => `Persistence: sessions, queued and retained messages are written to ${file}.`,
  ),
  known(
    /^Restored (\d+) (base messages|retained messages|clients|subscriptions|client messages)/,
    ([, n, what]) =>
      `Persistence: ${n} ${what === "base messages" ? "stored messages" : what === "clients" ? "sessions" : what} came back from the file.`,
  ),
  known(
    /^Error saving in-memory database|^Error during saving in-memory database/,
    "Persistence failed: what is only in memory is lost at the next end of the program. Is the folder writable for Mosquitto's user, and is there space?",
    "error",
  ),
  known(
    /^Error: Couldn't open database/,
    "The persistence file is there and cannot be read: look at its owner and mode.",
    "error",
  ),
  known(
    /^Error: Unable to restore persistent database|^Error: (?:Unsupported persistent|Incompatible) database/,
    "The persistence file is damaged or of another version. Move it away to start empty.",
    "error",
  ),
  known(
    /^Warning: Persistence file is empty/,
    "The persistence file has no content: the broker starts without earlier sessions.",
    "warning",
  ),
  known(
    /^Warning: (?:Empty client entry|Persistence file contains|Persistence found|Unsupported chunk)/,
    "A part of the persistence file makes no sense and was left out.",
    "warning",
  ),
  known(
    /^Expiring client (.+) due to timeout/,
    ([, id]) => `The stored session of ${id} has expired: its subscriptions and queued messages are gone.`,
  ),
];

const END_REASONS: readonly (readonly [pattern: RegExp, meaning: string, weight?: Known["weight"]])[] = [
  [/connection closed by client/, "closed the connection without DISCONNECT, so its will, if it has one, is published"],
  [
    /exceeded timeout/,
    "was silent for one and a half times its keep alive [MQTT-3.1.2-22]; its will, if it has one, is published",
    "notice",
  ],
  [
    /session taken over/,
    "was replaced, and thrown out if it was still there: a newer connection came with the same client id [MQTT-3.1.4-3]",
    "warning",
  ],
  [/not authori[sz]ed/, "was refused or thrown out: it may not do that", "warning"],
  [/bad username or password/i, "gave a user name and password that the broker does not know", "warning"],
  [/malformed packet/, "sent bytes that are no packet [MQTT-4.13.1-1]", "warning"],
  [/protocol error/, "sent a packet that is not allowed there or then [MQTT-4.13.1-1]", "warning"],
  [/oversize/, "sent a packet that is larger than the broker allows (max_packet_size, message_size_limit)", "warning"],
  [
    /QoS too high|disallowed feature/,
    "used what this broker does not offer: a QoS above max_qos, or retained messages",
    "warning",
  ],
  [/administrative action/, "was ended by an administrator or by a change of its rights", "notice"],
  [/receive maximum/, "had more unacknowledged messages on the way than allowed [MQTT-3.3.4-7]", "warning"],
  [/topic alias/, "used a topic alias that does not exist here [MQTT-3.3.2-9]", "warning"],
  [/client identifier not valid/, "has a client id that this broker does not allow", "warning"],
  [
    /bad socket read\/write|Connection reset|Broken pipe/,
    "has gone: its socket broke without DISCONNECT, so its will, if it has one, is published",
    "notice",
  ],
  [/quota exceeded|connection rate|server busy|server unavailable/, "met a limit of the broker", "warning"],
  [/out of memory/, "was dropped: the broker is out of memory", "error"],
  [/banned/, "is shut out", "warning"],
];

function left(id: string, reason: string): string {
  const found = END_REASONS.find(([pattern]) => pattern.test(reason));
  return `${id} ${found ? found[1] : `was disconnected: ${reason}`}.`;
}

/** 2.0: "Client x disconnected due to protocol error."; 2.1: "Client x [127.0.0.1:4711] disconnected: protocol error." */
const CONNECTIONS: readonly Known[] = [
  known(
    /^New connection from (\S+):(\d+) on port (\d+)/,
    ([, host, , port]) => `TCP: somebody at ${host} opened a connection to port ${port}. Not a word of MQTT yet.`,
  ),
  known(
    /^New (client|bridge) connected from (\S+?)(?::\d+)? as (.*) \(p(\d+), c([01]), k(\d+)(?:, u'(.*)')?\)/,
    ([, kind, host, id, p, c, k, user]) =>
      `CONNECT accepted: ${kind === "bridge" ? "the bridge" : "client"} ${id} at ${host}, ${version(p!)}, ${clean(p!, c!)}, keep alive ${k} s${user === undefined ? "" : `, user ${user}`}.`,
    "notice",
  ),
  known(/^Client (.*?) closed its connection\.$/, ([, id]) => left(id!, "connection closed by client")),
  known(/^Client (.*?) has exceeded timeout, disconnecting\.$/, ([, id]) => left(id!, "exceeded timeout"), "notice"),
  known(
    /^Client (.*?) already connected, closing old connection\.$/,
    ([, id]) => left(id!, "session taken over"),
    "warning",
  ),
  known(
    /^Client (.*?) been disconnected by administrative action/,
    ([, id]) => left(id!, "administrative action"),
    "notice",
  ),
  known(/^Bad socket read\/write on client (.*?): /, ([, id]) => left(id!, "bad socket read/write"), "notice"),
  known(/^Client (.*?) disconnected, not authori[sz]ed\.$/, ([, id]) => left(id!, "not authorised"), "warning"),
  ...END_REASONS.map(([reason, , weight]) =>
    known(
      new RegExp(`^Client (.*?)(?: \\[[^\\]]*\\])? disconnected(?: due to|:) (.*(?:${reason.source}).*)$`, "i"),
      ([, id, why]) => left(id!, why!),
      weight,
    ),
  ),
  known(
    /^Client (.*?)(?: \[[^\]]*\])? disconnected\.$/,
    ([, id]) => `${id} left with DISCONNECT: no will is published, unless it asked for that with code 0x04.`,
  ),
  known(/^Client (.*?)(?: \[[^\]]*\])? disconnected(?: due to|:) (.+)$/, ([, id, why]) => left(id!, why!)),
  known(
    /^Client connection from (\S+) denied: max_connections exceeded/,
    ([, host]) => `${host} was turned away: the listener's max_connections is reached.`,
    "warning",
  ),
  known(
    /^Client connection from (\S+) failed: (.*)$/,
    ([, host, why]) => `TLS with ${host} failed before MQTT began: ${why}`,
    "warning",
  ),
  known(
    /^Client from (\S+?):\d+ appears to be using TLS/,
    ([, host]) => `${host} speaks TLS on a listener that has none: mqtts:// where mqtt:// belongs.`,
    "warning",
  ),
  known(
    /^OpenSSL Error.*: ?peer did not return a certificate$/,
    "TLS: the client sent no certificate, and this listener asks for one (`require_certificate`).",
    "warning",
  ),
  known(
    /^OpenSSL Error.*: ?certificate verify failed$/,
    "TLS: the client's certificate was refused: nobody in `cafile` vouches for it, or it has ended or was revoked.",
    "warning",
  ),
  known(/^OpenSSL Error[^[]*\[\d+\]: (.*)$/, ([, why]) => `TLS: ${why}`, "warning"),
  known(
    /^Client (\S+) negotiated (\S+) cipher (\S+)|^Connection from (\S+) negotiated (\S+) cipher (\S+)/,
    (m) => `TLS stands: ${m[2] ?? m[5]} with ${m[3] ?? m[6]}.`,
  ),
  known(/^Socket error on client (.*?), disconnecting/, ([, id]) => left(id!, "bad socket read/write"), "notice"),
  known(
    /^Bad client (\S+) sending multiple CONNECT/,
    ([, id]) => `${id} sent a second CONNECT on one connection [MQTT-3.1.0-2].`,
    "warning",
  ),
  known(/^Protocol error from (\S+?):? (.*)$/, ([, id, what]) => `${id} broke the protocol: ${what}`, "warning"),
  known(
    /^Invalid protocol(?: version)? (.*) in CONNECT from (\S+)\.$/,
    ([, what, host]) => `${host} asks for the protocol ${what}, which this broker does not speak [MQTT-3.1.2-2].`,
    "warning",
  ),
  known(
    /^Invalid QoS in (PUBLISH|subscription command) from (\S+), disconnecting/,
    ([, , id]) => `${id} used a QoS that does not exist [MQTT-3.3.1-4].`,
    "warning",
  ),
  known(
    /^Invalid (?:un)?subscription string from (\S+), disconnecting/,
    ([, id]) => `${id} sent a topic filter whose wildcards stand in the wrong place [MQTT-4.7.1-1].`,
    "warning",
  ),
];

const MESSAGES: readonly Known[] = [
  known(
    /^Denied PUBLISH from (\S+) \(d(\d), q(\d), r(\d), m(\d+), '(.*)', /,
    ([, id, , q, , , topic]) => `${id} may not publish to ${topic}. ${denied(q!)}`,
    "warning",
  ),
  known(
    /^Denied PUBLISH to (\S+) \(q(\d), r(\d), '(.*)', /,
    ([, id, , , topic]) => `${id} is subscribed, but may not read ${topic}: the message is not sent to it.`,
    "warning",
  ),
  known(
    /^Outgoing messages are being dropped for client (\S+?)\.$/,
    ([, id]) =>
      `The queue of ${id} is full (max_queued_messages): newer messages are thrown away. It is said once, not for each.`,
    "warning",
  ),
  known(
    /^Reused message ID (\d+) from (\S+) detected/,
    ([, mid, id]) => `${id} used packet identifier ${mid} again before its exchange was over.`,
    "warning",
  ),
  known(
    /^Client (\S+) has exceeded its receive-maximum quota/,
    ([, id]) => `${id} sends more QoS 1 and 2 messages than the Receive Maximum of the CONNACK.`,
    "warning",
  ),
  known(
    /^Warning: Received (\S+) from (\S+) for an unknown packet identifier (\d+)/,
    ([, type, id, mid]) => `${id} sent ${type} ${mid} for an exchange that the broker does not know.`,
    "warning",
  ),
  known(
    /^Dropped too large PUBLISH from (\S+)/,
    ([, id]) => `A message of ${id} was larger than message_size_limit and was thrown away.`,
    "warning",
  ),
  known(
    /^(Received|Sending) PUBLISH (?:from|to) (.*?) \(d(\d), q(\d), r(\d), m(\d+), '(.*)', \.\.\. \((\d+) bytes\)\)/,
    (m) => publish(m),
  ),
  known(
    /^Received (CONNECT|SUBSCRIBE|UNSUBSCRIBE|PINGREQ|PINGRESP|DISCONNECT|SUBACK|UNSUBACK) from (.*)$/,
    ([, type, id]) => `${type} came from ${id}.`,
  ),
  known(
    /^Received (PUBACK|PUBREC|PUBREL|PUBCOMP) from (.*) \(Mid: (\d+)(?:, RC:(\d+))?\)/,
    ([, type, id, mid, rc]) => `${type} ${mid} came from ${id}${code(rc, type!)}.`,
  ),
  known(/^Sending CONNACK to (.*) \((\d+), (\d+)\)/, ([, id, present, rc]) => connack(id!, present!, Number(rc))),
  known(
    /^Sending (PUBACK|PUBREC|PUBREL|PUBCOMP) to (.*) \(m(\d+)(?:, rc(\d+))?\)/,
    ([, type, id, mid, rc]) => `${type} ${mid} goes to ${id}${code(rc, type!)}.`,
  ),
  known(
    /^Sending DISCONNECT to (.*) \(rc(\d+)\)/,
    ([, id, rc]) => `DISCONNECT goes to ${id}${code(rc, "DISCONNECT")}.`,
    "notice",
  ),
  known(/^Sending (SUBACK|UNSUBACK|PINGREQ|PINGRESP) to (.*)$/, ([, type, id]) => `${type} goes to ${id}.`),
  known(/^No will message specified\.$/i, "The CONNECT above has no will."),
  known(
    /^Will message specified \((\d+) bytes\) \(r(\d), q(\d)\)/,
    ([, bytes, r, q]) =>
      `The CONNECT above has a will of ${bytesText(Number(bytes))}, QoS ${q}${r === "1" ? ", retained" : ""}; the next line is its topic.`,
  ),
  known(/^\t(\S.*) \(QoS (\d)\)$/, ([, filter, q]) => `The SUBSCRIBE above asks for ${filter} at QoS ${q}.`),
  known(/^\t(\S.*)$/, ([, topic]) => `Belongs to the line above: ${topic}.`),
  known(/^(\S+) ([0-2]) (\S.*)$/, ([, id, q, filter]) => `${id} is subscribed to ${filter}, at most at QoS ${q}.`),
  known(/^(\S+) (\S*[/#+]\S*)$/, ([, id, filter]) => `${id} is no longer subscribed to ${filter}.`),
];

const BRIDGES: readonly Known[] = [
  known(
    /^Bridge (\S+) next backoff will be (\d+) ms/,
    ([, name, ms]) => `The bridge ${name} tries again in ${(Number(ms) / 1000).toFixed(1)} s.`,
  ),
  known(
    /^Bridge (\S+) connection was stable enough, resetting backoff/,
    ([, name]) => `The bridge ${name} had held for a while: its waits begin with the shortest again.`,
  ),
  known(
    /^Connecting bridge(?: \(step \d\))? (\S+) \((\S+)\)/,
    ([, name, where]) => `The bridge ${name} tries to reach ${where}.`,
  ),
  known(/^Received CONNACK on connection (\S+?)\.$/, ([, name]) => `The bridge ${name} is connected.`, "notice"),
  known(
    /^Bridge (\S+) (?:doing local SUBSCRIBE on topic|sending SUBSCRIBE)(.*)$/,
    ([, name]) => `The bridge ${name} subscribes to what it has to carry.`,
  ),
  known(
    /^Bridge (\S+) sending (CONNECT|DISCONNECT|UNSUBSCRIBE)/,
    ([, name, type]) => `The bridge ${name} sends ${type} to the other broker.`,
  ),
  known(
    /^Error creating bridge: (.*)\.$/,
    ([, why]) => `A bridge could not connect: ${why}. It will try again.`,
    "warning",
  ),
  known(
    /^Warning: Unable to connect (?:to )?bridge (\S+?)\.$/,
    ([, name]) => `The bridge ${name} got no connection. It will try again.`,
    "warning",
  ),
  known(
    /^Warning: Remote bridge (\S+) does not support MQTT v5/,
    ([, name]) => `The other end of ${name} refuses MQTT 5: properties will be lost.`,
    "warning",
  ),
];

const ERRORS: readonly Known[] = [
  known(
    /^Error found at '?(.+?):(\d+)'?\.$/,
    ([, file, line]) => `The error named above is in line ${line} of ${file}.`,
    "error",
  ),
  known(
    /^Error: Unknown configuration variable ['"]?(.*?)['"]?\.$/,
    ([, name]) => `No option is called ${name}: a slip of the pen, or an option of another version.`,
    "error",
  ),
  known(
    /^Error: Unable to open config file '?(.+?)'?\.$/,
    ([, file]) => `${file} is not there or not readable for the user that starts Mosquitto.`,
    "error",
  ),
  known(/^Error: (?:Empty|Invalid|Duplicate) (.*)$/, ([, what]) => `The configuration is wrong: ${what}`, "error"),
  known(
    /^Error: Address already in use/,
    "Another program listens on this port already, often an earlier broker.",
    "error",
  ),
  known(
    /^Error: (?:Cannot assign requested address|Address not available)/,
    "An address to listen on isn't there: the one behind `listener`, or in a container without IPv6 its IPv6 loopback.",
    "error",
  ),
  known(/^Error: Permission denied/, "The system forbids it: a port below 1024, or a file of another user.", "error"),
  known(
    /^Error: (?:Name or service not known|Temporary failure in name resolution)/,
    "The host name in the configuration is unknown here.",
    "error",
  ),
  known(
    /^Error: Unable to start any listening sockets/,
    "Not one listener could be opened, so the program ends.",
    "error",
  ),
  known(
    /^Error: Unable to create websockets listener on port (\d+)/,
    ([, port]) =>
      `The WebSocket listener on port ${port} could not be opened: the port is taken, or the address is none of this machine's.`,
    "error",
  ),
  known(
    /^Error: The '(.+)' option requires a (listener|bridge) to be defined first/,
    ([, option, what]) =>
      `\`${option}\` stands above the \`${what === "bridge" ? "connection" : what}\` line it belongs to.`,
    "error",
  ),
  known(
    /^Error: It is not currently possible to add\/remove listeners/,
    "SIGHUP cannot add or remove listeners: restart the broker for that.",
    "error",
  ),
  known(
    /^Error: (?:Unable to open pwfile|Unable to open password)|^Error opening password file/,
    "The password file is not there, or not readable for Mosquitto's user.",
    "error",
  ),
  known(
    /^Error: Unable to open acl_file|^Error opening acl file/,
    "The ACL file is not there, or not readable for Mosquitto's user.",
    "error",
  ),
  known(
    /^(?:Error: )?(?:Unable|Invalid).* (?:password|hash).* for user (\S+?),/,
    ([, user]) =>
      `The password file's line for ${user} cannot be used: make it with mosquitto_passwd of the same version.`,
    "error",
  ),
  known(
    /^Error: Unable to load (CA certificates|server certificate|server key file|certificate revocation file)/,
    ([, what]) => `The ${what} cannot be read: wrong path, wrong format, or not readable for Mosquitto's user.`,
    "error",
  ),
  known(/^Error: Server certificate\/key are inconsistent/, "The key does not belong to the certificate.", "error"),
  known(
    /^Error: Unable to load (?:auth )?plugin/,
    "The plugin's file is not there, or was made for another version.",
    "error",
  ),
  known(
    /^Error: Unable to open log file (.+) for writing/,
    ([, file]) => `${file} cannot be written: does its folder exist, and may Mosquitto's user write there?`,
    "error",
  ),
  known(
    /^(?:Error: )?Out of memory\.$/,
    "Memory ran out; where a configuration line is named below, that line could not be stored.",
    "error",
  ),
  known(
    /^Warning: File (.+) (?:has world readable permissions|owner is not|group is not)/,
    ([, file]) =>
      `${file} should belong to Mosquitto's user and be readable for nobody else; later versions refuse it.`,
    "warning",
  ),
  known(
    /^Warning: Invalid line in password file/,
    "A line of the password file is skipped: it is no `name:hash`.",
    "warning",
  ),
];

/** In this order: the first that fits explains the line. */
export const LINES: readonly Known[] = [
  ...LIFE,
  ...NOTES,
  ...STORE,
  ...CONNECTIONS,
  ...BRIDGES,
  ...ERRORS,
  ...MESSAGES,
];

const VERSIONS: Readonly<Record<string, string>> = {
  1: "MQTT 3.1",
  2: "MQTT 3.1.1",
  3: "MQTT 3.1",
  4: "MQTT 3.1.1",
  5: "MQTT 5",
};

/** The number behind p: 2.0 counts 1 for MQTT 3.1 and 2 for 3.1.1, 2.1 writes the protocol level. */
const version = (p: string): string => VERSIONS[p] ?? `protocol ${p}`;

const clean = (p: string, c: string): string => {
  const word = p === "5" ? "clean start" : "clean session";
  return c === "1" ? word : `no ${word}`;
};

const denied = (qos: string): string =>
  qos === "0"
    ? "At QoS 0 the publisher never learns it."
    : "In MQTT 5 the publisher is told 0x87; in 3.1.1 it gets an acknowledgement as if all were well.";

function publish([, way, id, d, q, r, mid, topic, bytes]: RegExpExecArray): string {
  const flags = [`QoS ${q}`, d === "1" ? "DUP" : "", r === "1" ? "RETAIN" : ""].filter(Boolean).join(", ");
  const number = q === "0" ? "" : `, packet identifier ${mid}`;
  return `PUBLISH ${way === "Received" ? "came from" : "goes to"} ${id}: ${topic}, ${flags}${number}, ${bytesText(Number(bytes))}.`;
}

function connack(id: string, present: string, rc: number): string {
  if (rc) return `CONNACK refuses ${id}${code(String(rc), "CONNACK")}.`;
  return `CONNACK accepts ${id}; ${present === "1" ? "a session was kept for it" : "no session was kept for it"}.`;
}

function code(rc: string | undefined, type: string): string {
  const number = Number(rc ?? 0);
  if (!number) return "";
  const old = type === "CONNACK" && number < 0x80;
  const { name } = explainReasonCode(number, type as "CONNACK", old ? 4 : 5);
  return ` with 0x${number.toString(16).toUpperCase().padStart(2, "0")} ${name}`;
}
