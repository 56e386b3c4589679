import type { ViewData } from "kernel-helpers/dist/views/view";
import { isRecord } from "./notebook";

/** A view's data, when an output has one of the version that we know. */
export function keptView(value: unknown): ViewData | undefined {
  if (!isRecord(value) || value.version !== 1 || typeof value.kind !== "string" || !("data" in value)) return undefined;
  return { version: 1, kind: value.kind, data: value.data };
}
