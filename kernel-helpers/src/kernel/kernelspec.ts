/** What a kernel.json says. */
export interface KernelSpec {
  readonly argv: string[];
  readonly display_name: string;
  readonly language: string;
  readonly interrupt_mode: "message";
  readonly env: Record<string, string>;
  readonly metadata: { debugger: boolean };
}

/**
 * The kernelspec of the course's kernel.
 *
 * Interrupts go by message, not by signal: only so do they reach a busy loop after an await. NO_COLOR keeps the escape
 * codes of terminals out of the notebooks' outputs.
 *
 * @param nodePath the Node binary. @param launcherPath kernel-helpers/dist/kernel/launch.js; both absolute.
 */
export function kernelSpec(nodePath: string, launcherPath: string): KernelSpec {
  return {
    // The flag keeps an interrupt of a runaway callback from ending the process where ./termination can't (Node 24).
    argv: [nodePath, "--no-force-async-hooks-checks", launcherPath, "{connection_file}"],
    display_name: "TypeScript (tslab)",
    language: "typescript",
    interrupt_mode: "message",
    env: { NO_COLOR: "1" },
    metadata: { debugger: false },
  };
}
