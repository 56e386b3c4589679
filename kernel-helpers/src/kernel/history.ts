import type { Content } from "./protocol";

interface Entry {
  readonly number: number;
  readonly code: string;
}

/** This kernel's session: there is only this one, nothing is kept on disk. */
const SESSION = 1;

/** The cells that ran with store_history. */
export class History {
  readonly #entries: Entry[] = [];

  add(number: number, code: string): void {
    this.#entries.push({ number, code });
  }

  get texts(): readonly string[] {
    return this.#entries.map(({ code }) => code);
  }

  /** Answers a history_request of any access type. */
  answer(request: Content): Content {
    const rows = this.#select(request).map(({ number, code }) => [
      SESSION,
      number,
      request.output === true ? [code, null] : code,
    ]);
    return { status: "ok", history: rows };
  }

  #select(request: Content): Entry[] {
    const session = Number(request.session ?? 0);
    if (request.hist_access_type === "range") {
      // 0 is this session, a negative number counts back from it: there is none before.
      if (session !== 0 && session !== SESSION) return [];
      const start = Number(request.start ?? 0);
      const stop =
        request.stop === undefined || request.stop === null ? Number.POSITIVE_INFINITY : Number(request.stop);
      return this.#entries.filter(({ number }) => number >= start && number < stop);
    }
    let found = this.#entries;
    if (request.hist_access_type === "search") {
      const fits = glob(String(request.pattern ?? "*"));
      found = found.filter(({ code }) => fits.test(code));
      if (request.unique === true) found = [...new Map(found.map((entry) => [entry.code, entry])).values()];
    }
    const count = Number(request.n ?? 0);
    return count > 0 ? found.slice(-count) : found;
  }
}

/** A shell pattern (`*`, `?`) over the whole text of a cell. */
function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*+/g, "[\\s\\S]*").replace(/\?/g, "[\\s\\S]")}$`);
}
