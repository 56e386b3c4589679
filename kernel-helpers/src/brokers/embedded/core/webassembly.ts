/** The part of the WebAssembly API that is used here: neither Node's types nor ES2022's declare it. */

/** A compiled program. Can be posted to workers. */
export type WasmModule = object;

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export type WasmImports = Record<string, Record<string, (...args: never[]) => unknown>>;

export interface WasmInstance {
  readonly exports: Record<string, unknown>;
}

interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: WasmImports): Promise<WasmInstance>;
  RuntimeError: new (message?: string) => Error;
}

const api = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

export const compileModule = (bytes: Uint8Array): Promise<WasmModule> => api.compile(bytes);

export const instantiate = (module: WasmModule, imports: WasmImports): Promise<WasmInstance> =>
  api.instantiate(module, imports);

/** A trap: memory out of bounds, an unreachable instruction, a full stack. */
export const isTrap = (error: unknown): error is Error =>
  error instanceof api.RuntimeError || error instanceof RangeError;
