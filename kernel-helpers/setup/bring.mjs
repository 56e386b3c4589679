/** Brings what a tool needs and is not there yet. */
import { SetupError } from "./error.mjs";
import { root } from "./folders.mjs";
import { withLock } from "./lock.mjs";
import { Progress } from "./progress.mjs";
import { stopAll } from "./run.mjs";
import { stamp, stamped, unstamp } from "./stamps.mjs";
import { stepsFor } from "./steps.mjs";
import { tools } from "./tools.mjs";

const FOR_A_LIST = new Set(["packages", "build", "tests"]);

/** @throws SetupError at the first step that fails; the steps before it stay done. */
export async function bring(tool, call) {
  // To name its parts a tool has to be compiled, and no more.
  const needed = call.options.list ? tools[tool].steps.filter((step) => FOR_A_LIST.has(step)) : tools[tool].steps;
  const chains = stepsFor(needed, { tool, ...call });
  if ((await missing(chains)).length === 0) return;
  const progress = new Progress(call.options.json ? process.stderr : process.stdout);
  const forget = endOnSignals();
  try {
    await withLock(
      (text) => progress.line(`set-up: ${text}`),
      () => runChains(chains, progress),
    );
  } catch (error) {
    throw explained(error);
  } finally {
    forget();
  }
}

/** Chains run side by side (one downloads while another compiles), the steps of one chain in order. */
async function runChains(chains, progress) {
  for (const stage of chains) {
    const results = await Promise.allSettled(stage.map((chain) => runChain(chain, progress)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}

async function runChain(chain, progress) {
  for (const step of chain) {
    if (isDone(step)) continue;
    if (step.unneeded && (await step.unneeded())) continue;
    if (step.adopt?.()) {
      stamp(step.id, step.inputs());
      continue;
    }
    unstamp(step.id);
    progress.start(step.title);
    try {
      await step.run(progress);
    } catch (error) {
      progress.end(step.title, "failed after");
      if (!step.optional || !(error instanceof SetupError)) throw error;
      progress.line(error.toString(step.optional.again));
      progress.line(`set-up goes on; without it: ${step.optional.consequence}`);
      continue;
    }
    progress.end(step.title);
    stamp(step.id, step.inputs());
  }
}

const isDone = (step) => stamped(step.id, step.inputs()) && step.inPlace();

/** The steps to run. An optional step that this machine does not need is not missing. */
async function missing(chains) {
  const open = chains.flat(2).filter((step) => !isDone(step));
  const needed = await Promise.all(open.map(async (step) => !(await step.unneeded?.())));
  return open.filter((_, i) => needed[i]);
}

function endOnSignals() {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  const handlers = Object.entries(signals).map(([name, code]) => {
    const handler = () => {
      stopAll();
      console.error("\nset-up interrupted; the next run goes on from here");
      process.exit(code);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}

/** A file system's "no" in words. */
function explained(error) {
  if (error instanceof SetupError || !error.code) return error;
  if (error.code === "EACCES" || error.code === "EPERM" || error.code === "EROFS") {
    const user = process.env.USER || process.getuid?.();
    return new SetupError({
      step: "writing into the course's folder",
      why: `${error.message}: an earlier run by another user may have made it`,
      fix: process.platform === "win32" ? `move the course to a folder of yours` : `sudo chown -R ${user} '${root}'`,
    });
  }
  if (error.code === "ENOSPC") {
    return new SetupError({ step: "writing into the course's folder", why: "the disk is full", fix: "npm run clean" });
  }
  return error;
}
