import assert from "node:assert/strict";
import test from "node:test";
import { confLines, dedent, readConf } from "kernel-helpers/dist/brokers/mosquitto-conf";
import { planBroker, planFiles } from "kernel-helpers/dist/brokers/plan";
import type { BrokerSpec } from "kernel-helpers/dist/brokers/spec";
import { LabError } from "kernel-helpers/dist/core/errors";

const ports = (conf: string | null) => readConf(conf).listeners.map((listener) => listener.port);

test("listeners: their ports, protocols, addresses and lines", () => {
  const { listeners } = readConf(
    [
      "# a comment",
      "listener 1883 127.0.0.1",
      "listener 8883",
      "certfile /mosquitto/config/a.crt",
      "keyfile /mosquitto/config/a.key",
      "listener   9001   ::",
      "protocol websockets",
      "listener 9883 127.0.0.1",
      "protocol http_api",
      "listener 1999",
      "enable_proxy_protocol 2",
    ].join("\n"),
  );
  assert.deepEqual(listeners, [
    { port: 1883, protocol: "mqtt", bind: "127.0.0.1", tls: false, line: 2 },
    { port: 8883, protocol: "mqtt", tls: true, line: 3 },
    { port: 9001, protocol: "websockets", bind: "::", tls: false, line: 6 },
    { port: 9883, protocol: "http_api", bind: "127.0.0.1", tls: false, line: 8 },
    { port: 1999, protocol: "mqtt", proxy: 2, tls: false, line: 10 },
  ]);
});

test("no listener at all is local only mode, on 1883", () => {
  for (const conf of [
    null,
    "",
    "# listener 1883\n",
    "allow_anonymous true",
    "listener abc",
    "listener\t1883",
    "listener",
  ]) {
    const reading = readConf(conf);
    assert.equal(reading.localOnly, true, String(conf));
    assert.deepEqual(reading.listeners, [{ port: 1883, protocol: "mqtt", bind: "localhost", tls: false, line: 0 }]);
  }
});

test("options of a listener outside any listener open the default one", () => {
  assert.deepEqual(ports("port 1884"), [1884]);
  assert.deepEqual(ports("max_connections 5"), [1883]);
  assert.deepEqual(ports("listener 1885\nport 1884"), [1884, 1885]);
  assert.deepEqual(ports("bind_address 127.0.0.1\nlistener 1885"), [1883, 1885]);
  assert.equal(readConf("certfile a\nkeyfile b").listeners[0]?.tls, true);
  assert.deepEqual(ports("listener 1885\nmax_connections 5"), [1885]);
});

test("what a release might take for a port counts as one", () => {
  for (const word of ["1883x", "+1883", "01883", "4294969179", "1883\\"])
    assert.deepEqual(ports(`listener ${word}`), [1883], word);
  for (const word of ["-1", "99999", "x1883"]) assert.equal(readConf(`listener ${word}`).localOnly, true, word);
});

test("a listener on the loopback interface is on loopback", () => {
  assert.equal(readConf("listener 1883\nbind_interface lo").listeners[0]?.bind, "localhost");
  assert.equal(readConf("listener 1883\nbind_interface eth0").listeners[0]?.bind, undefined);
});

test("a unix socket is a listener that nobody here can reach", () => {
  const reading = readConf("listener 0 /mosquitto/data/mqtt.sock\n");
  assert.equal(reading.localOnly, false);
  assert.deepEqual(reading.listeners, []);
});

test("options after an included file's listener belong to the file's own listener", () => {
  const reading = readConf("listener 1883\ninclude_dir /mosquitto/config/d\nprotocol websockets\n", () => [
    "listener 1884\nprotocol mqtt\n",
  ]);
  assert.deepEqual(
    reading.listeners.map(({ port, protocol }) => [port, protocol]),
    [
      [1883, "websockets"],
      [1884, "mqtt"],
    ],
  );
  const endless = readConf("include_dir /d", () => ["include_dir /d"]);
  assert.equal(endless.localOnly, true);
});

test("lines are read as Mosquitto reads them", () => {
  const lines = confLines("\uFEFFlistener 1883\r\n  topic  # out 1\n#x\n\t\n  # indented");
  assert.deepEqual(
    lines.map(({ number, key, value }) => [number, key, value]),
    [
      [1, "listener", "1883"],
      [2, "topic", "# out 1"],
      [3, "", ""],
      [4, "\t", ""],
      [5, "#", "indented"],
    ],
  );
});

test("common indentation goes, lines keep their numbers", () => {
  assert.equal(dedent("\n    listener 1883\n      # deeper\n\n    b\n  "), "\nlistener 1883\n  # deeper\n\nb\n");
  assert.equal(dedent("\ta\n    b"), "\ta\n    b");
  assert.equal(dedent(""), "");
});

test("nothing that can be written as a configuration breaks the reader", () => {
  const words = [
    "listener",
    "port",
    "0",
    "-1",
    "99999",
    "1883",
    "\t",
    " ",
    "\r",
    "#",
    "protocol",
    "include_dir",
    "certfile",
    "é",
    "💥",
    "connection",
    "address",
    "'",
    '"',
    "user",
    "\n",
    "\n",
  ];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 3_000; round++) {
    const conf = Array.from({ length: random(30) }, () => words[random(words.length)]).join(random(2) ? " " : "");
    const reading = readConf(conf, () => [conf]);
    for (const { port } of reading.listeners) assert.ok(port > 0 && port < 65_536, conf);
    assert.equal(new Set(reading.listeners.map((one) => one.port)).size, reading.listeners.length);
    assert.equal(dedent(conf).split("\n").length, conf.split("\n").length);
  }
  readConf("x".repeat(1_000_000));
  readConf("a ".repeat(500_000));
});

test("needs come from what the configuration asks for", () => {
  const needs = (spec: BrokerSpec) => [...planBroker("lab", spec).needs].sort();
  assert.deepEqual(needs({ conf: "listener 1883" }), []);
  assert.deepEqual(needs({}), ["local_only"]);
  assert.deepEqual(needs({ conf: "listener 9001\nprotocol websockets\ncertfile a\n" }), ["tls", "websockets"]);
  assert.deepEqual(needs({ conf: "listener 1\nplugin /usr/lib/mosquitto_dynamic_security.so" }), []);
  assert.deepEqual(needs({ conf: "listener 1\nplugin /mosquitto/config/my.so" }), ["plugins"]);
  assert.deepEqual(needs({ conf: "listener 1\nplugin /usr/lib/mosquitto_persist_sqlite.so" }), ["persist_sqlite"]);
  assert.deepEqual(needs({ conf: "listener 1", mosquitto: "2.0.11" }), ["releases"]);
  assert.deepEqual(needs({ conf: "listener 1", mosquitto: "2.1" }), []);
  assert.deepEqual(needs({ conf: "listener 1\nconnection a\nbridge_cafile x" }), ["tls"]);
});

test("a plan has defaults for everything", () => {
  const plan = planBroker("lab");
  assert.equal(plan.name, "broker");
  assert.equal(plan.conf, null);
  assert.equal(plan.volume, null);
  assert.equal(plan.ready, "connack");
  assert.equal(plan.release, "2.1");
  assert.ok(plan.timeout > 0);
});

test("files get absolute paths, bytes, and a mode for their owner only", () => {
  const files = planFiles({
    acl: "é",
    "certs/ca.crt": new Uint8Array([1]),
    "d/a.conf": "",
    run: { content: "x", mode: 0o755 },
  });
  assert.deepEqual(
    files.map(({ path, content, mode }) => [path, content.length, mode.toString(8)]),
    [
      ["/mosquitto/config/acl", 2, "600"],
      ["/mosquitto/config/certs/ca.crt", 1, "600"],
      ["/mosquitto/config/d/a.conf", 0, "644"],
      ["/mosquitto/config/run", 1, "755"],
    ],
  );
  assert.equal(planFiles({ "/mosquitto/config/x": "" })[0]?.path, "/mosquitto/config/x");
});

const refused: [string, BrokerSpec, RegExp][] = [
  ["a name with capitals", { name: "My Broker" }, /"my-broker"/],
  ["an empty name", { name: "" }, /lower-case/],
  ["a name that ends in a hyphen", { name: "a-" }, /"a"/],
  ["a name that is a path", { name: "../x" }, /"x"/],
  ["an endless name", { name: "x".repeat(60) }, /40/],
  ["a volume that is a path", { volume: "/etc" }, /"etc"/],
  ["a path that leaves the folder", { files: { "../../etc/passwd": "x" } }, /below \/mosquitto\/config/],
  ["an absolute path elsewhere", { files: { "/etc/passwd": "x" } }, /below \/mosquitto\/config/],
  ["a sibling folder with the same beginning", { files: { "../config2/x": "x" } }, /below/],
  ["a folder as a file", { files: { "a/": "x" } }, /below/],
  ["an empty path", { files: { "": "x" } }, /below/],
  ["one path written in two ways", { files: { a: "1", "./a": "2" } }, /path of its own/],
  ["a file that is a folder of another", { files: { a: "1", "a/b": "2" } }, /path of its own/],
  ["the configuration as a file", { files: { "mosquitto.conf": "x" } }, /`conf`/],
  ["a file without content", { files: { a: 7 as unknown as string } }, /content, mode/],
  ["a mode that is none", { files: { a: { content: "", mode: -1 } } }, /octal/],
  ["a configuration that is no text", { conf: 5 as unknown as string }, /backticks/],
  ["a NUL character", { conf: "a\0b" }, /plain text/],
  ["a release that is not one", { mosquitto: "3.0" as "2.1" }, /2\.0\.21/],
  ["an environment that is none", { env: { "A B": "x" } }, /names such as/],
  ["a timeout that is none", { timeout: Number.NaN }, /milliseconds/],
];
for (const [what, spec, hint] of refused) {
  test(`refused with a hint: ${what}`, () => {
    assert.throws(
      () => planBroker("lab", spec),
      (error) => {
        assert.ok(error instanceof LabError);
        assert.equal(error.code, "BAD_ARGUMENT");
        assert.match(error.hint, hint);
        return true;
      },
    );
  });
}
