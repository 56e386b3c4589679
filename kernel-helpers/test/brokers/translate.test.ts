import assert from "node:assert/strict";
import test from "node:test";
import {
  namedPeers,
  type Place,
  toLearnersWords,
  toRealCommand,
  toRealConf,
} from "kernel-helpers/dist/brokers/local/translate";
import { readConf } from "kernel-helpers/dist/brokers/mosquitto-conf";

const place: Place = {
  folder: "/home/a b/lab/mosquitto",
  ports: new Map([
    [1883, 21_000],
    [9001, 21_001],
  ]),
  peers: new Map([["hub:1883", 22_000]]),
  plugins: "/usr/lib/x86_64-linux-gnu",
  user: null,
};
const real = (conf: string, at: Place = place) => toRealConf(conf, at, readConf(conf));

test("ports, addresses and paths become real ones, line for line", () => {
  const conf = [
    "# listener 1883 stays in a comment",
    "listener 1883",
    "listener 9001 0.0.0.0",
    "listener 0 /mosquitto/data/mqtt.sock",
    "password_file /mosquitto/config/passwd",
    "persistence_location /mosquitto/data/",
    "log_dest file /mosquitto/log/mosquitto.log",
    "plugin /usr/lib/mosquitto_dynamic_security.so",
    "connection up",
    "address hub:1883",
    "addresses hub example.org:1883 127.0.0.1:9001",
    "topic /mosquitto/x out 1",
    "listener abc",
    "listener 1883x",
  ].join("\n");
  assert.deepEqual(real(conf).split("\n"), [
    "# listener 1883 stays in a comment",
    "listener 21000 127.0.0.1",
    "listener 21001 127.0.0.1",
    "listener 0 data/mqtt.sock",
    "password_file /home/a b/lab/mosquitto/config/passwd",
    "persistence_location /home/a b/lab/mosquitto/data/",
    "log_dest file /home/a b/lab/mosquitto/log/mosquitto.log",
    "plugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
    "connection up",
    "address 127.0.0.1:22000",
    "addresses 127.0.0.1:22000 example.org:1883 127.0.0.1:21001",
    "topic /mosquitto/x out 1",
    "listener abc",
    "listener 21000x 127.0.0.1",
  ]);
});

test("the default listener gets what it lacks, after the learner's lines", () => {
  assert.equal(real("max_connections 5"), "max_connections 5\nport 21000\nbind_address 127.0.0.1\n");
  assert.equal(real("port 1883"), "port 21000\nbind_address 127.0.0.1\n");
  assert.equal(real("port 1883\nbind_address 0.0.0.0"), "port 21000\nbind_address 127.0.0.1");
  assert.equal(real("allow_anonymous true"), "allow_anonymous true");
  const root = { ...place, user: "root" };
  assert.equal(real("listener 1883\nuser mosquitto", root), "listener 21000 127.0.0.1\nuser root");
  assert.equal(real("listener 1883", root), "listener 21000 127.0.0.1\nuser root\n");
});

test("peers are names without dots", () => {
  const conf = "connection a\naddress hub\naddresses leaf:1884 10.0.0.1:1883 example.org localhost:1883 127.0.0.1\n";
  assert.deepEqual(namedPeers([conf]), ["hub:1883", "leaf:1884"]);
});

test("what the broker says is in the learner's words", () => {
  const said = (line: string) => toLearnersWords(line, place);
  assert.equal(said("Opening ipv4 listen socket on port 21000."), "Opening ipv4 listen socket on port 1883.");
  assert.equal(
    said("Error found at /home/a b/lab/mosquitto/config/mosquitto.conf:3."),
    "Error found at /mosquitto/config/mosquitto.conf:3.",
  );
  assert.equal(said("Connecting bridge up (127.0.0.1:22000)"), "Connecting bridge up (hub:1883)");
  assert.equal(said("port 210000 and 21000 messages"), "port 210000 and 21000 messages");
  assert.equal(
    said("Loading plugin: /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"),
    "Loading plugin: /usr/lib/mosquitto_dynamic_security.so",
  );
});

test("commands reach the broker that the learner means", () => {
  const command = (text: string) => toRealCommand(text.split(" "), place, "broker").join(" ");
  assert.equal(command("mosquitto_sub -t a -C 1"), "mosquitto_sub -h 127.0.0.1 -p 21000 -t a -C 1");
  assert.equal(command("mosquitto_sub -h localhost -p 9001 -t a"), "mosquitto_sub -h 127.0.0.1 -p 21001 -t a");
  assert.equal(command("mosquitto_pub -h hub -t a -m -p"), "mosquitto_pub -p 22000 -h 127.0.0.1 -t a -m -p");
  assert.equal(command("mosquitto_pub -h broker -t a -m x"), "mosquitto_pub -p 21000 -h 127.0.0.1 -t a -m x");
  assert.equal(command("mosquitto_pub -h example.org -t a"), "mosquitto_pub -h example.org -t a");
  assert.equal(command("mosquitto_sub -L mqtt://u:p@localhost/a/b"), "mosquitto_sub -L mqtt://u:p@127.0.0.1:21000/a/b");
  assert.equal(
    command("mosquitto_ctrl -u admin dynsec listClients"),
    "mosquitto_ctrl -h 127.0.0.1 -p 21000 -u admin dynsec listClients",
  );
  assert.equal(
    command("mosquitto_passwd -c /mosquitto/config/pw a"),
    "mosquitto_passwd -c /home/a b/lab/mosquitto/config/pw a",
  );
  assert.equal(
    command("cat /mosquitto/config/x /mosquittox /etc/mosquitto/config"),
    "cat /home/a b/lab/mosquitto/config/x /mosquittox /etc/mosquitto/config",
  );
  assert.equal(command("ls /mosquitto"), "ls /home/a b/lab/mosquitto");
});
