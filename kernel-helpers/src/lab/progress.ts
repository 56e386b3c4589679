import { randomUUID } from "node:crypto";
import { publishDisplay } from "../kernel/display";

/** Lines of a long step (an image that is built), shown in one output that is updated in place. Silent when there are none. */
export function progressDisplay(): { line: (text: string) => void; done: () => void } {
  const id = randomUUID();
  const started = Date.now();
  let shown = false;
  const show = (text: string) => {
    const seconds = Math.round((Date.now() - started) / 1000);
    publishDisplay({ "text/plain": `${text} (${seconds} s)` }, { id, update: shown });
    shown = true;
  };
  return {
    line: show,
    done: () => {
      if (shown) show("done");
    },
  };
}
