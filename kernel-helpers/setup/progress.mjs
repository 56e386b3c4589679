/** Progress of long steps: one moving line on a terminal, plain lines elsewhere. */

/** @param {NodeJS.WriteStream} stream */
export class Progress {
  #stream;
  #running = new Map();
  #timer;
  #drawn = false;
  #lastPlain = 0;

  constructor(stream) {
    this.#stream = stream;
  }

  /** A step begins. */
  start(title) {
    this.#running.set(title, Date.now());
    if (this.#stream.isTTY) this.#draw();
    else this.line(`set-up: ${title} …`);
    this.#lastPlain = Date.now();
    this.#timer ??= setInterval(() => this.#tick(), this.#stream.isTTY ? 200 : 1_000);
  }

  /** A step ended; `how` follows its title. */
  end(title, how = "") {
    const began = this.#running.get(title);
    this.#running.delete(title);
    if (this.#running.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.line(`set-up: ${title}: ${how ? `${how} ` : ""}${seconds(began)}`);
  }

  /** A whole line; what moves is drawn again below it. */
  line(text) {
    this.#erase();
    this.#stream.write(`${text}\n`);
    if (this.#running.size && this.#stream.isTTY) this.#draw();
  }

  #tick() {
    if (this.#stream.isTTY) this.#draw();
    else if (Date.now() - this.#lastPlain >= 15_000) {
      this.#lastPlain = Date.now();
      this.line(`set-up: ${this.#now()}`);
    }
  }

  #now() {
    return [...this.#running].map(([title, began]) => `${title} … ${seconds(began)}`).join("   ");
  }

  #draw() {
    this.#erase();
    this.#stream.write(`set-up: ${this.#now()}`.slice(0, (this.#stream.columns ?? 80) - 1));
    this.#drawn = true;
  }

  #erase() {
    if (this.#drawn) this.#stream.write("\r\x1b[K");
    this.#drawn = false;
  }
}

const seconds = (began) => `${((Date.now() - began) / 1_000).toFixed(Date.now() - began < 10_000 ? 1 : 0)} s`;
