import { spawn } from "node:child_process";
import { join } from "node:path";
import { courseRoot } from "../core/paths";

/** Runs Biome over the course with its words on our terminal. Resolves to 0 or 1. */
export function biome(args: readonly string[]): Promise<number> {
  const program = join(courseRoot, "node_modules", "@biomejs", "biome", "bin", "biome");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: courseRoot, stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0 ? 0 : 1));
  });
}
