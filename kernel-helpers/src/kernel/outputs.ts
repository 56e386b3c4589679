import type { Content } from "./protocol";

/** An output as a notebook file (nbformat 4) holds it. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | { output_type: "display_data"; data: Content; metadata: Content }
  | { output_type: "execute_result"; data: Content; metadata: Content; execution_count: number | null }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

type Shown = Extract<Output, { data: Content }>;

/** Turns a kernel's messages into the outputs of its cells: joins streams, replaces displays, clears. */
export class OutputCollector {
  readonly #byDisplayId = new Map<string, Shown[]>();
  readonly #clearNext = new WeakSet<Output[]>();

  /** @param into the outputs of the cell that the message belongs to. */
  add(into: Output[], type: string, content: Content): void {
    if (type === "clear_output") {
      if (content.wait === true) this.#clearNext.add(into);
      else into.length = 0;
      return;
    }
    if (type === "update_display_data") {
      this.#update(content);
      return;
    }
    const output = this.#output(into, type, content);
    if (!output) return;
    if (this.#clearNext.delete(into)) into.length = 0;
    into.push(output);
  }

  #output(into: Output[], type: string, content: Content): Output | undefined {
    switch (type) {
      case "stream":
        return this.#stream(into, content);
      case "display_data":
      case "execute_result": {
        const { data, metadata } = shown(content);
        const made: Shown =
          type === "display_data"
            ? { output_type: type, data, metadata }
            : { output_type: type, data, metadata, execution_count: (content.execution_count as number) ?? null };
        const id = displayId(content);
        if (id !== undefined) this.#byDisplayId.set(id, [...(this.#byDisplayId.get(id) ?? []), made]);
        return made;
      }
      case "error": {
        const { ename, evalue, traceback } = content as { ename: string; evalue: string; traceback: string[] };
        return { output_type: "error", ename, evalue, traceback };
      }
      default:
        return undefined;
    }
  }

  #stream(into: Output[], content: Content): Output | undefined {
    const { name, text } = content as { name: "stdout" | "stderr"; text: string };
    const last = into.at(-1);
    if (last?.output_type === "stream" && last.name === name && !this.#clearNext.has(into)) {
      last.text += text;
      return undefined;
    }
    return { output_type: "stream", name, text };
  }

  #update(content: Content): void {
    const id = displayId(content);
    for (const output of (id !== undefined && this.#byDisplayId.get(id)) || []) Object.assign(output, shown(content));
  }
}

const shown = (content: Content): { data: Content; metadata: Content } => ({
  data: (content.data ?? {}) as Content,
  metadata: (content.metadata ?? {}) as Content,
});

const displayId = (content: Content): string | undefined =>
  (content.transient as { display_id?: string } | undefined)?.display_id;
