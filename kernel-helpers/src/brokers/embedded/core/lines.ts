/** Cuts a stream of bytes into lines. A line that has no end yet is kept; `rest` gives it up. */
export class Lines {
  #decoder = new TextDecoder();
  #open = "";

  constructor(readonly take: (line: string) => void) {}

  add(bytes: Uint8Array): void {
    // A copy: WebAssembly memory can't be decoded in place everywhere.
    this.#open += this.#decoder.decode(bytes.slice(), { stream: true });
    const lines = this.#open.split("\n");
    this.#open = lines.pop() ?? "";
    for (const line of lines) this.take(line.replace(/\r$/, ""));
  }

  rest(): void {
    this.#open += this.#decoder.decode();
    if (this.#open) this.take(this.#open);
    this.#open = "";
  }
}
