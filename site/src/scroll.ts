import { escapeHtml } from "./escape";

/** A box that scrolls by itself; the keyboard reaches it, and it has a name. */
export const scrollBox = (label: string, html: string, kind = ""): string =>
  `<div class="scroll${kind ? ` ${kind}` : ""}" tabindex="0" role="group" aria-label="${escapeHtml(label)}">${html}</div>`;
