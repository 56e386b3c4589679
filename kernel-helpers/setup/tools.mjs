/**
 * The command-line programs: what each takes and which steps of set-up it needs. Help and the checking of words come
 * from this table, so that a wrong word is told before a minute of set-up, and `--help` works on a bare machine.
 *
 * `words`: what stands for the program's words in its help, or "" when it takes none.
 * An option's `value`: "" for a switch, else what stands for the value, or the list of the values there are.
 * `steps`: of packages, build, site (the build with the site's renderer), tests (all that is compiled), jupyter, embedded.
 * `program`: a file below kernel-helpers that is a program of its own; else `main` of a compiled module runs: of
 * `module`, a file below the course's folder, or of kernel-helpers/dist/tools/NAME.js.
 */
const engine = (values) => ({ value: values, does: "which engine runs the brokers" });
const json = { value: "", does: "the answer as JSON on standard output (use npm run -s), all else on standard error" };

export const tools = {
  start: {
    does: "Sets up what is missing, makes the learner's copies of the notebooks and opens JupyterLab on 127.0.0.1.",
    words: "",
    options: {
      "no-browser": { value: "", does: "print the address, open no browser" },
      port: { value: "N", does: "this port, or fail (default: 8888 or the next free one)" },
      engine: engine(["auto", "docker", "embedded", "local"]),
    },
    steps: ["packages", "build", "jupyter", "embedded"],
    example: "npm start -- --no-browser --port 8890",
  },
  test: {
    does: "Sets up what is missing and runs the tests, all or those of the named parts (folders of kernel-helpers/test).",
    words: "PART...",
    options: { list: { value: "", does: "name the parts and their files, run nothing" } },
    steps: ["packages", "build", "tests", "jupyter", "embedded"],
    example: "npm test -- core mqtt",
  },
  course: {
    does: "Executes the solved notebooks headless, each in a fresh kernel; red when a check, an observation or a cell fails.",
    words: "LAB...",
    options: {
      engine: engine(["auto", "docker", "embedded", "local"]),
      mosquitto: {
        value: ["2.1", "2.0.21", "2.0.11"],
        does: "which release of the broker, on engines that have several",
      },
      jobs: { value: "N", does: "notebooks at once (default: 2)" },
      out: {
        value: "DIR",
        does: "where the executed notebooks go (default: .cache/executed; runs on another release than the engine's own into mosquitto-VERSION in it)",
      },
      json,
    },
    steps: ["packages", "build", "embedded"],
    example: "npm run course -- 1 --engine local",
  },
  prove: {
    does: "Every exercise: its stub earns nothing, its right answers all points, each wrong one fails for its own reason.",
    words: "LAB...",
    options: { json },
    steps: ["packages", "build", "embedded"],
    example: "npm run prove -- 1",
  },
  grade: {
    does: "Grades learners' copies: notebooks, or folders with one folder a learner.",
    words: "FILE|DIR...",
    options: {
      json: { value: "F", does: "marks as JSON into this file (- for standard output)" },
      csv: { value: "F", does: "marks as CSV with nbgrader's columns" },
      html: {
        value: "F",
        does: "marks with each check's card, as one page; for several learners also one page each beside it",
      },
      resume: { value: "", does: "go on with the last grading: what it has done of these submissions is taken over" },
      jobs: { value: "N", does: "submissions at once (default: 2)" },
      learner: { value: "NAME", does: "whose they are, where neither folder nor file name says so" },
      seed: {
        value: "WORD|F",
        does: "the checks' topics and numbers come from it, or from the first line of this file (default: a new one)",
      },
      isolate: {
        value: ["auto", "docker", "process"],
        does: "where learners' kernels run (default: a container each where an engine answers, else a process each)",
      },
      "cell-time": { value: "S", does: "seconds that one cell may take (default: 60)" },
      time: { value: "S", does: "seconds for a whole submission (default: 600)" },
      memory: { value: "MIB", does: "memory for a kernel and what it starts (default: 1024)" },
      engine: engine(["auto", "docker", "embedded", "local"]),
    },
    steps: ["packages", "build", "embedded"],
    example: "npm run grade -- submissions/ --csv marks.csv",
  },
  handout: {
    does: "Writes the course for learners: without solutions, wrong answers and cheats; hints stay.",
    words: "",
    options: {
      out: { value: "DIR", does: "where to; a folder that is not there yet, outside of the course" },
      nbgrader: { value: "", does: "nbgrader's source folder instead: with solutions, for its generate_assignment" },
    },
    steps: ["packages", "build"],
    example: "npm run handout -- --out ../handout",
  },
  progress: {
    does: "Shows where you stand in every lab, from the results beside your notebooks, and what has changed since. Runs nothing.",
    words: "LAB...",
    options: { json },
    steps: ["packages", "build"],
    example: "npm run progress",
  },
  reset: {
    does: "Puts one exercise of your notebook, or all of it, back as it was handed out; your text stays in a dated copy.",
    words: "LAB [EXERCISE]",
    options: {},
    steps: ["packages", "build"],
    example: "npm run reset -- 2 one-filter",
  },
  doctor: {
    does: "Says what this machine can run, and for each lack the one command that mends it.",
    words: "",
    options: { json },
    steps: ["packages", "build"],
    example: "npm run -s doctor -- --json",
  },
  site: {
    does: "Renders the executed notebooks to a static site, executing first what was not executed since it changed.",
    words: "",
    options: {
      from: { value: "DIR", does: "render every .ipynb of this folder, execute nothing" },
      out: { value: "DIR", does: "where the site goes (default: site/dist)" },
      solutions: {
        value: ["collapsed", "hidden"],
        does: "solutions folded on the page (default), or not on it at all",
      },
      watch: { value: "", does: "then serve it on 127.0.0.1 and build again at every change; open pages reload" },
      port: { value: "N", does: "with --watch: on this port (default: a free one)" },
    },
    steps: ["packages", "site"],
    module: "site/dist-build/main.js",
    example: "npm run site -- --from .cache/executed --solutions hidden",
  },
  clean: {
    does: "Removes containers, networks, volumes, images and caches of this course, after showing their size and asking.",
    words: "",
    options: {
      yes: { value: "", does: "don't ask" },
      "dry-run": { value: "", does: "only show what there is" },
    },
    steps: ["packages", "build"],
    example: "npm run clean -- --yes",
  },
  lint: {
    does: "Checks code style, types, the order of the floors, and the notebooks' rules and cells; changes nothing.",
    words: "",
    options: {},
    steps: ["packages", "build", "tests"],
    example: "npm run lint",
  },
  format: {
    does: "Formats code and notebooks, and writes the generated part of notebooks/course.json.",
    words: "",
    options: { check: { value: "", does: "name what would change, change nothing" } },
    steps: ["packages", "build"],
    example: "npm run format -- --check",
  },
  picture: {
    does: "Runs the beginning of lab 1 and draws its first packets: site/assets/first-packets.svg, the README's picture.",
    words: "",
    options: {},
    steps: ["packages", "build", "embedded"],
    example: "npm run picture",
  },
  gallery: {
    does: "Draws every kind of picture from recorded packets, its plain text beside it: .cache/gallery/index.html.",
    words: "",
    options: { record: { value: "", does: "first record the packets anew, from a real broker" } },
    steps: ["packages", "build", "embedded"],
    example: "npm run gallery",
  },
  bench: {
    does: "Measures what the course promises about speed, each beside the raw way of doing the same.",
    words: "PART...",
    options: { json },
    steps: ["packages", "build", "jupyter", "embedded"],
    example: "npm run bench -- brokers",
  },
  embedded: {
    does: "Builds the embedded broker: Mosquitto as WebAssembly, for machines without a container engine.",
    words: "",
    options: {
      tls: { value: "", does: "those that speak TLS as well, with OpenSSL (needs perl; a minute or two, once)" },
      force: { value: "", does: "build again even when it is there" },
      licences: { value: "", does: "show the licence notices of what was built" },
    },
    steps: [],
    program: "embedded/build.mjs",
    example: "npm run embedded",
  },
};

/** How people call a program: npm has short forms for two. */
export const npmCall = (tool) => (tool === "start" || tool === "test" ? `npm ${tool}` : `npm run ${tool}`);

export function helpText(tool) {
  const { does, words, options, example } = tools[tool];
  const rows = [...Object.entries(options), ["help", { value: "", does: "this text" }]].map(([name, option]) => [
    `--${name}${valueText(option)}`,
    option.does,
  ]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const call = `${npmCall(tool)} [-- ${words ? `[${words}] ` : ""}[options]]`;
  return [
    `Usage: ${call}`,
    "",
    does,
    "",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    `Example: ${example}`,
  ].join("\n");
}

const valueText = ({ value }) => (Array.isArray(value) ? ` ${value.join("|")}` : value && ` ${value}`);

/**
 * Reads a program's words and options.
 * @returns {{words: string[], options: Record<string, string | true>} | {wrong: string, right: string}} `right` is the
 * line to type instead.
 */
export function parseWords(tool, args, env = {}) {
  const known = tools[tool].options;
  const words = [];
  const options = {};
  const wrong = (what, right = tools[tool].example) => ({ wrong: what, right });
  const again = (changed) => `${npmCall(tool)} -- ${changed.map(quoted).join(" ")}`;
  const swallowed = optionsThatNpmTook(known, args, env);
  if (swallowed.length) {
    return wrong("npm took the options for itself; they stand after --", again([...swallowed, ...args]));
  }
  for (let i = 0; i < args.length; i++) {
    const [, name, , attached] = /^--([^=]+)(=(.*))?$/s.exec(args[i]) ?? [];
    if (name === undefined) {
      if (args[i].startsWith("-") && args[i] !== "-") return wrong(`there is no option ${args[i]}`);
      words.push(args[i]);
      continue;
    }
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!option) {
      const near = nearest(name, Object.keys(known));
      const rest = args.with?.(i, `--${near}${attached === undefined ? "" : `=${attached}`}`);
      return wrong(`there is no option --${name}`, near && rest ? again(rest) : undefined);
    }
    if (option.value === "") {
      if (attached !== undefined) return wrong(`--${name} takes no value`, again(args.with(i, `--${name}`)));
      options[name] = true;
      continue;
    }
    const value = attached ?? args[++i];
    if (value === undefined || value === "") return wrong(`--${name} needs a value:${valueText(option)}`);
    if (Array.isArray(option.value) && !option.value.includes(value)) {
      const near = nearest(value, option.value) ?? option.value[0];
      return wrong(`--${name} is one of ${option.value.join(", ")}, not "${value}"`, again([`--${name}`, near]));
    }
    options[name] = value;
  }
  if (words.length && !tools[tool].words) return wrong(`it takes no words, and was given "${words.join(" ")}"`);
  return { words, options };
}

/** `npm start --port 9000`, without the "--" between, sets npm_config_port and leaves "9000" behind. */
function optionsThatNpmTook(known, args, env) {
  const taken = [];
  for (const [name, option] of Object.entries(known)) {
    if (args.some((arg) => arg.startsWith(`--${name}`))) continue;
    const value = env[`npm_config_${name.replaceAll("-", "_")}`];
    if (option.value === "" && value === "true") taken.push(`--${name}`);
    if (option.value !== "" && value === "true")
      taken.push(`--${name}`); // its value is the first of the words
    else if (option.value !== "" && value) taken.push(`--${name}`, value);
    if (name.startsWith("no-") && env[`npm_config_${name.slice(3).replaceAll("-", "_")}`] === "")
      taken.push(`--${name}`);
  }
  return taken;
}

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The closest of the words there are, or undefined when none is close. */
export function nearest(word, there) {
  const ranked = there.map((candidate) => [distance(word, candidate), candidate]).sort(([a], [b]) => a - b);
  const [best] = ranked;
  return best && best[0] <= Math.max(2, Math.floor(word.length / 3)) ? best[1] : undefined;
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
