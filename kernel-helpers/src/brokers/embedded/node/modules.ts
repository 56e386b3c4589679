/** Finds what `npm run embedded` built, and compiles each program once in this process. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../../../core/errors";
import { courseRoot } from "../../../core/paths";
import { compileModule, type WasmModule } from "../core/webassembly";

/** What the build leaves beside the programs. */
export interface Manifest {
  readonly mosquitto: string;
  readonly programs: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** The folder that the build writes. */
export const builtFolder = (): string => join(courseRoot, "kernel-helpers", "embedded", "out");

const absent = (folder: string, cause: unknown) =>
  new LabError(
    "NO_ENGINE",
    "the embedded broker has not been built on this machine yet",
    `run \`npm run embedded${folder === builtFolder() ? "" : " -- --tls"}\` in the course's folder (it takes about half a minute), then run the cell again`,
    { cause },
  );

/** @throws LabError NO_ENGINE when nothing was built. */
export function readManifest(folder = builtFolder()): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  } catch (error) {
    throw absent(folder, error);
  }
}

const compiled = new Map<string, Promise<WasmModule>>();

/** A compiled program; the compilation is shared by all workers of this process. @throws LabError NO_ENGINE */
export function programModule(name: string, folder = builtFolder()): Promise<WasmModule> {
  const program = readManifest(folder).programs[name];
  if (!program) return Promise.reject(absent(folder, new Error(`${name} is not among the programs`)));
  // A rebuild in the meantime gives another program.
  const key = `${folder} ${name} ${program.sha256}`;
  let module = compiled.get(key);
  if (!module) {
    module = compileFile(folder, `${name}.wasm`);
    compiled.set(key, module);
    module.catch(() => compiled.delete(key));
  }
  return module;
}

async function compileFile(folder: string, file: string): Promise<WasmModule> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(folder, file));
  } catch (error) {
    throw absent(folder, error);
  }
  return compileModule(bytes);
}
