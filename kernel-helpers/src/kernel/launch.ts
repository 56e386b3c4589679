#!/usr/bin/env node
import { optimizeLess, UNSEEN } from "./brief";
import { HOOK, type KernelHook } from "./hook";
import { Lifecycle } from "./lifecycle";
import { captureStream } from "./output";
/**
 * The course's kernel: the unmodified npm package tslab behind a complete Jupyter protocol.
 * Usage (from the kernelspec): node launch.js CONNECTION_FILE
 */
import { printPromisesPlainly } from "./promises";
import { PROTOCOL_VERSION } from "./protocol";
import { metadataOf, toJson } from "./rich";
import { Session } from "./session";
import { prepareForTermination } from "./termination";
import { installStackTraces } from "./traceback";
import type { TslabDisplay } from "./tslab";
import { startTslab, versions } from "./tslab";
import { Wire } from "./wire";

function kernelInfo(): Record<string, unknown> {
  const { tslab, typescript } = versions();
  return {
    status: "ok",
    protocol_version: PROTOCOL_VERSION,
    implementation: "tslab",
    implementation_version: tslab,
    banner: `TypeScript ${typescript} (tslab ${tslab}) on Node ${process.versions.node}`,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      // A string: tslab's own object makes JupyterLab colour TypeScript as JavaScript.
      codemirror_mode: "typescript",
      nbconvert_exporter: "script",
    },
    debugger: false,
    supported_features: [],
    help_links: [],
  };
}

/** On Windows JPY_PARENT_PID is a handle; the parent's own process id says the same. */
function parentPid(): number {
  const given = Number(process.env.JPY_PARENT_PID ?? 0);
  if (!given) return 0;
  return process.platform === "win32" ? process.ppid : given;
}

function hookFor(wire: Wire, session: Session, lifecycle: Lifecycle): KernelHook {
  return {
    version: 1,
    publishDisplay(bundle, { id, update = false, metadata = metadataOf(bundle) } = {}) {
      const transient = id === undefined ? {} : { display_id: id };
      session.publish(update ? "update_display_data" : "display_data", { data: toJson(bundle), metadata, transient });
    },
    clearOutput: (wait = false) => session.publish("clear_output", { wait }),
    onExit: (run) => lifecycle.onExit(run),
    ranCells: () => session.ranCells,
    terminations: () => wire.terminations,
    currentCell() {
      const cell = session.origin;
      return cell && { id: cell.header.msg_id, executionCount: cell.count };
    },
    onCellEnd: (run) => session.onCellEnd(run),
    onUncompiled: (rescue) => session.onUncompiled(rescue),
  };
}

function captureOutput(session: Session): void {
  for (const name of ["stdout", "stderr"] as const) {
    const original = process[name].write.bind(process[name]);
    // Before the first cell there is no cell to write to: the client's own terminal or log has it.
    captureStream(process[name], (text) => session.write(name, text) || original(text));
  }
}

function main(connectionFile: string): void {
  if (UNSEEN) optimizeLess();
  // The sockets come up on their own thread while this one loads the compiler.
  const wire = new Wire({ connectionFile, kernelInfo: kernelInfo(), parentPid: parentPid() });
  const tslab = startTslab({ undisturbed: (act) => wire.undisturbed(act) });
  const session = new Session(wire, tslab);
  const lifecycle = new Lifecycle(() => wire.close());
  prepareForTermination((cellsCode, anyway) => wire.mayBeTerminated(cellsCode, anyway));
  printPromisesPlainly();
  installStackTraces(tslab.scripts);
  captureOutput(session);
  tslab.onDisplay(({ data, metadata, transient }: TslabDisplay, update) => {
    session.publish(update ? "update_display_data" : "display_data", { data, metadata, transient });
  });
  (globalThis as { [HOOK]?: KernelHook })[HOOK] = hookFor(wire, session, lifecycle);
  process.on("uncaughtException", (error) => session.late("Uncaught error", error));
  process.on("unhandledRejection", (reason) => session.late("Unhandled rejection", reason));
  process.on("SIGINT", () => session.interrupt());
  wire.listen({
    request: (request) => session.request(request),
    interrupt: (terminated) => session.interrupt(terminated),
    leave: () => void lifecycle.leave(),
  });
}

const connectionFile = process.argv[2];
if (connectionFile) main(connectionFile);
else {
  process.stderr.write("usage: launch.js CONNECTION_FILE (Jupyter starts it; see the kernelspec)\n");
  process.exitCode = 2;
}
