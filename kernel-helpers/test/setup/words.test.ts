import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";

type Parsed = { words: string[]; options: Record<string, string | true> } | { wrong: string; right: string };
interface ToolTable {
  tools: Record<string, { does: string; example: string }>;
  helpText(tool: string): string;
  parseWords(tool: string, args: string[], env?: NodeJS.ProcessEnv): Parsed;
}
interface StepTable {
  stepsFor(names: string[], call: object): { id: string; unneeded(): Promise<boolean> }[][][];
}

const setup = join(dirname(require.resolve("kernel-helpers/package.json")), "setup");
const { tools, helpText, parseWords } = require(join(setup, "tools.mjs")) as ToolTable;
const right = (tool: string, args: string[], env?: NodeJS.ProcessEnv) => {
  const parsed = parseWords(tool, args, env);
  assert.ok("right" in parsed, `understood: ${JSON.stringify(parsed)}`);
  return parsed.right;
};

test("every program has a help text, and its own example is understood", () => {
  for (const [tool, { does, example }] of Object.entries(tools)) {
    assert.ok(helpText(tool).includes(does));
    const words = example.split(" -- ")[1]?.split(" ") ?? [];
    assert.ok(!("wrong" in parseWords(tool, words)), example);
  }
});

test("words and options are read", () => {
  assert.deepEqual(parseWords("start", ["--no-browser", "--port", "8890", "--engine=local"]), {
    words: [],
    options: { "no-browser": true, port: "8890", engine: "local" },
  });
  assert.deepEqual(parseWords("test", ["core", "mqtt"]), { words: ["core", "mqtt"], options: {} });
});

test("a wrong word comes with the line that would be right", () => {
  assert.equal(right("start", ["--prot", "8890"]), "npm start -- --port 8890");
  assert.equal(right("start", ["--no-browser", "--engin=local"]), "npm start -- --no-browser --engine=local");
  assert.equal(right("start", ["--engine", "dokcer"]), "npm start -- --engine docker");
  assert.equal(right("doctor", ["--json=yes"]), "npm run doctor -- --json");
  assert.equal(right("start", ["--port"]), "npm start -- --no-browser --port 8890");
  assert.equal(right("doctor", ["please"]), "npm run -s doctor -- --json");
  assert.equal(right("start", ["--constructor", "1"]), "npm start -- --no-browser --port 8890");
});

test("options that npm took for itself are found again", () => {
  assert.equal(right("doctor", [], { npm_config_json: "true" }), "npm run doctor -- --json");
  assert.equal(right("start", ["9000"], { npm_config_port: "true" }), "npm start -- --port 9000");
  assert.equal(right("start", [], { npm_config_port: "9000" }), "npm start -- --port 9000");
  assert.equal(right("start", [], { npm_config_browser: "" }), "npm start -- --no-browser");
  assert.ok(!("wrong" in parseWords("clean", [], { npm_config_yes: "" })), "a setting that is off is none");
});

test("the command that brings a missing thing suits the system", () => {
  const { howToGet, packageManager } = require(join(setup, "system.mjs")) as typeof import("../../setup/system.mjs");
  const on = (release: string) => packageManager("linux", release);
  assert.equal(howToGet("venv", on("ID=ubuntu\nID_LIKE=debian\n"), false), "sudo apt-get install -y python3-venv");
  assert.equal(howToGet("venv", on("ID=debian\n"), true), "apt-get install -y python3-venv");
  assert.equal(howToGet("mosquitto", on("ID=fedora\n"), false), "sudo dnf install -y mosquitto");
  assert.equal(howToGet("mosquitto", packageManager("darwin"), false), "brew install mosquitto");
  assert.equal(howToGet("docker", packageManager("win32"), false), "winget install Docker.DockerDesktop");
  assert.match(howToGet("docker", on(""), false), /^install a container engine: https:/);
});

test("the embedded broker is built for whoever named it, as an option or in the environment", async (t) => {
  const { stepsFor } = require(join(setup, "steps.mjs")) as StepTable;
  const before = process.env.MQTT_LAB_ENGINE;
  t.after(() => setEngine(before));
  const unneeded = (engine?: string) => {
    const chains = stepsFor(["embedded"], { tool: "start", words: [], options: engine ? { engine } : {} });
    return chains
      .flat(2)
      .find(({ id }) => id === "embedded")!
      .unneeded();
  };
  setEngine(undefined);
  assert.deepEqual([await unneeded("embedded"), await unneeded("docker")], [false, true]);
  setEngine("embedded");
  assert.deepEqual([await unneeded(), await unneeded("local")], [false, true], "an option goes before the environment");
  setEngine("local");
  assert.equal(await unneeded(), true);
});

function setEngine(value: string | undefined): void {
  if (value === undefined) delete process.env.MQTT_LAB_ENGINE;
  else process.env.MQTT_LAB_ENGINE = value;
}
