/**
 * The one set of tokens for every picture. Colours follow the Okabe–Ito set, darkened until text and thin lines reach
 * 4.5:1 on the card's own background (a test measures it). Pictures bring their own opaque card, because they are shown
 * as an image on pages whose colours they cannot see.
 */
export const colour = {
  /** The card that every picture stands on, its quieter areas, and its edge. */
  card: "#ffffff",
  quiet: "#f4f5f7",
  edge: "#c9ced6",
  /** Text, and text of less weight. */
  ink: "#1b1f24",
  muted: "#57606a",
  /** Directions: client to broker, broker to client. */
  up: "#00639c",
  down: "#93376a",
  /** A mark beside one of `up`, of another lightness: 3:1, too little for text. */
  beside: "#c8801a",
  /** Outcomes. */
  ok: "#00694a",
  bad: "#a83c00",
  warn: "#7a5200",
  okTint: "#e3f4ed",
  badTint: "#fdeade",
  warnTint: "#fdf3d6",
  idleTint: "#eef0f3",
} as const;

/** Backgrounds of neighbouring ranges; their labels tell them apart as well. */
export const tints = ["#dcecf7", "#fbeecb", "#dff2ea", "#f6e2ed", "#fce5d6", "#e6e6f5"] as const;

/** Unquoted names only: the sanitiser of an untrusted notebook drops quoted ones. */
export const font = {
  sans: "system-ui, sans-serif",
  mono: "ui-monospace, monospace",
  size: 13,
  small: 12,
} as const;

export type Tone = "ok" | "bad" | "warn" | "idle";

/** Text colour, background and mark of an outcome: three carriers, so that colour is never the only one. */
export const tone: Record<Tone, { text: string; tint: string; mark: string }> = {
  ok: { text: colour.ok, tint: colour.okTint, mark: "✓" },
  bad: { text: colour.bad, tint: colour.badTint, mark: "✗" },
  warn: { text: colour.warn, tint: colour.warnTint, mark: "◐" },
  idle: { text: colour.muted, tint: colour.idleTint, mark: "○" },
};
