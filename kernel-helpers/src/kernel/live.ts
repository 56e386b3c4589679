import { randomUUID } from "node:crypto";
import { bundle as bundleOf, type MimeBundle, type View } from "../views/view";
import { UNSEEN } from "./brief";
import { onCellEnd, publishDisplay } from "./display";

/** What a live picture follows: a tap. */
export interface Watched {
  /** Calls `run` after each change. Returns a function that ends it. */
  onChange(run: () => void): () => void;
}

/** At most ten pictures a second, and at most a quarter of the time for drawing them. */
const APART = 100;
const SHARE = 4;

/**
 * Shows a picture in the running cell, and again in its place while what it follows changes. It ends with its cell:
 * whatever happens later, the cell keeps the picture of its last moment. Outside of a running cell nothing is shown now.
 *
 * @param bundle draws the present state. What it throws at first is the caller's; later it is told as an error of the cell.
 * @param first what it has drawn just now.
 * @returns whether it is shown.
 */
export function publishLive(watched: Watched, bundle: () => MimeBundle, first: MimeBundle = bundle()): boolean {
  // No picture is drawn twice.
  if (UNSEEN) return true;
  const id = randomUUID();
  let last = "";
  let timer: NodeJS.Timeout | undefined;
  let drawing = false;
  let free = 0;
  const publish = (drawn: MimeBundle): void => {
    const said = JSON.stringify(drawn);
    if (said !== last) publishDisplay(drawn, { id, update: last !== "" });
    last = said;
  };
  const draw = (): void => {
    timer = undefined;
    drawing = true;
    const started = performance.now();
    try {
      publish(bundle());
    } finally {
      drawing = false;
      const ended = performance.now();
      free = Math.max(started + APART, ended + (ended - started) * (SHARE - 1));
    }
  };
  /** A tap that is asked for its packets finds some that nobody had looked at: no change to draw again for. */
  const changed = (): void => {
    if (!drawing) timer ??= setTimeout(draw, Math.max(0, free - performance.now()));
  };
  const end = (): void => {
    unwatch();
    clearTimeout(timer);
    draw();
  };
  if (!onCellEnd(end)) return false;
  publish(first);
  free = performance.now() + APART;
  const unwatch = watched.onChange(changed);
  return true;
}

/** A view of something that changes: drawn anew whenever it is looked at, and shown by itself once. */
export function liveView<Kind extends string, Data>(watched: Watched, draw: () => View<Kind, Data>): View<Kind, Data> {
  const now = draw();
  const live: View<Kind, Data> = {
    version: now.version,
    kind: now.kind,
    as: now.as,
    get data() {
      return draw().data;
    },
    get picture() {
      return draw().picture;
    },
    get text() {
      return draw().text;
    },
  };
  const shown = publishLive(watched, () => bundleOf(draw()), bundleOf(now));
  // A live picture that is also its cell's last value stands there already.
  Object.defineProperty(live, Symbol.for("Jupyter.display"), { value: () => (shown ? undefined : bundleOf(draw())) });
  Object.defineProperty(live, Symbol.for("nodejs.util.inspect.custom"), { value: () => draw().text });
  return live;
}
