/** What a program in its worker and the thread that started it say to each other. */
import type { ListenAddress } from "../core/network";
import type { WasmModule } from "../core/webassembly";
import type { Mount } from "./folder-files";

export interface ProgramData {
  readonly module: WasmModule;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly input: string;
  /** [0] counts messages to the program, so that it can sleep until the next; [1] never changes. */
  readonly changes: Int32Array;
}

export type FromProgram =
  | { readonly op: "connect"; readonly id: number; readonly address: ListenAddress }
  | { readonly op: "write"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly op: "finish"; readonly id: number }
  | { readonly op: "end"; readonly id: number }
  | { readonly op: "output"; readonly fd: 1 | 2; readonly bytes: Uint8Array }
  | { readonly op: "exit"; readonly code: number }
  | { readonly op: "failed"; readonly message: string };

export type ToProgram =
  | { readonly event: "open" | "end"; readonly id: number }
  | { readonly event: "data"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly event: "error"; readonly id: number; readonly errno: number };
