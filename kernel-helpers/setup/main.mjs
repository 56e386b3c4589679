/** Set-up and dispatch: see ../setup.mjs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { SetupError } from "./error.mjs";
import { root } from "./folders.mjs";
import { helpText, nearest, npmCall, parseWords, tools } from "./tools.mjs";

/** @param {string[]} argv the tool's name, then its words and options. Sets process.exitCode. */
export async function main([tool, ...args]) {
  if (!tool || !Object.hasOwn(tools, tool)) {
    const near = tool && nearest(tool, Object.keys(tools));
    console.error(`There is no program "${tool ?? ""}"; there are: ${Object.keys(tools).join(", ")}.`);
    console.error(`Try: ${npmCall(near || "start")}`);
    process.exitCode = 2;
    return;
  }
  if (args.includes("--help") || args.includes("-h")) {
    console.log(helpText(tool));
    return;
  }
  const call = parseWords(tool, args, process.env);
  if ("wrong" in call) {
    console.error(`${npmCall(tool)}: ${call.wrong}`);
    console.error(`Try: ${call.right}`);
    process.exitCode = 2;
    return;
  }
  try {
    const { bring } = await import("./bring.mjs");
    await bring(tool, call);
    await run(tool, call);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.toString(npmCall(tool)));
    process.exitCode = error.exitCode;
  }
}

async function run(tool, call) {
  if (tools[tool].program) {
    process.exitCode = await runProgramOfItsOwn(join(root, "kernel-helpers", tools[tool].program), call);
    return;
  }
  const program = join(root, tools[tool].module ?? join("kernel-helpers", "dist", "tools", `${tool}.js`));
  if (!existsSync(program)) {
    throw new SetupError({
      step: "build",
      why: `${program} is missing after the build`,
      fix: `rm -rf kernel-helpers/dist && ${npmCall(tool)}`,
    });
  }
  process.exitCode = await createRequire(import.meta.url)(program).main(call);
}

/** Its words are the tool's, its terminal is ours. */
function runProgramOfItsOwn(file, { words, options }) {
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args, ...words], { cwd: root, stdio: "inherit" });
    const forward = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 130));
  });
}
