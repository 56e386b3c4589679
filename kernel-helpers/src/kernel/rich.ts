import { inspect } from "node:util";
import { VIEW_MIME } from "../views/view";

const DISPLAY = Symbol.for("Jupyter.display");

/**
 * A value as Jupyter shows it: the MIME bundle of its `[Symbol.for("Jupyter.display")]()` where it has one, and
 * text/plain always. Undefined when that method gives undefined: the value has shown itself already.
 * @throws what the value's own code throws, TypeError for a bundle that isn't an object.
 */
export async function mimeBundle(value: unknown): Promise<Record<string, unknown> | undefined> {
  const show = (value as { [DISPLAY]?: unknown } | null | undefined)?.[DISPLAY];
  if (typeof show !== "function") return { "text/plain": inspect(value) };
  const bundle: unknown = await show.call(value);
  if (bundle === undefined) return undefined;
  if (typeof bundle !== "object" || bundle === null) {
    throw new TypeError(`[Symbol.for("Jupyter.display")]() must give an object of MIME types, not ${inspect(bundle)}`);
  }
  const text = "text/plain" in bundle ? {} : { "text/plain": inspect(value) };
  return toJson({ ...bundle, ...text });
}

/** Bytes (a PNG) travel as base64; the rest goes as it is. */
export function toJson(bundle: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(bundle).map(([type, data]) => [
      type,
      data instanceof Uint8Array ? Buffer.from(data).toString("base64") : data,
    ]),
  );
}

/**
 * What Jupyter should know of a bundle, by MIME type: our pictures scroll in a narrow window, where JupyterLab would
 * shrink an image until its text cannot be read.
 */
export function metadataOf(bundle: object): Record<string, unknown> {
  const ours = VIEW_MIME in bundle && "image/svg+xml" in bundle;
  return ours ? { "image/svg+xml": { unconfined: true } } : {};
}
