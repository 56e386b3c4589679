/**
 * What lies between two brokers of a lab where no network of their own does: a wire that can be cut. While it is, nothing
 * gets through in either direction, no byte, no FIN, no RST, and new connections hang; neither end is told.
 * Page-safe: no Node built-in.
 */
import { Errno } from "./embedded/core/files";
import type { Connection, ConnectionEvents } from "./embedded/core/network";

/** How many bytes wait in one direction before their sender is made to wait: a socket's own buffers hold about as many. */
const MOST = 1 << 20;

export class Cable {
  #cut = false;
  readonly #strands = new Set<Strand>();

  get isCut(): boolean {
    return this.#cut;
  }

  set isCut(cut: boolean) {
    if (cut === this.#cut) return;
    this.#cut = cut;
    if (!cut) for (const strand of [...this.#strands]) strand.mend();
  }

  /** A connection through this cable. @param connect makes the real one: at once, or when the cable is mended. */
  connect(connect: () => Connection): Connection {
    return new Strand(this, connect, this.#strands);
  }
}

/**
 * One connection through a cable, as its near end sees it. Of an end that goes while the cable is cut the other hears
 * when it is mended: as a reset, and what was on its way is lost, as on a network where addresses have changed meanwhile.
 */
class Strand implements Connection {
  readonly #cable: Cable;
  readonly #connect: () => Connection;
  readonly #home: Set<Strand>;
  #far: Connection | undefined;
  #events: ConnectionEvents | undefined;
  /** What waits for the cable to be mended, in order. */
  #toFar: (() => unknown)[] = [];
  #toNear: (() => void)[] = [];
  #held = { toFar: 0, toNear: 0 };
  #nearGone = false;
  #farGone = false;
  #full = false;
  #paused = false;

  constructor(cable: Cable, connect: () => Connection, home: Set<Strand>) {
    this.#cable = cable;
    this.#connect = connect;
    this.#home = home;
    home.add(this);
    if (!cable.isCut) this.#far = connect();
  }

  listen(events: ConnectionEvents): void {
    this.#events = events;
    if (this.#far) this.#follow(this.#far);
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#cable.isCut && this.#far) return this.#far.write(bytes);
    this.#toFar.push(() => this.#far?.write(bytes));
    this.#held.toFar += bytes.length;
    this.#full ||= this.#held.toFar >= MOST;
    return !this.#full;
  }

  finish(): void {
    this.#out((far) => far.finish());
  }

  end(): void {
    this.#leave((far) => far.end());
  }

  destroy(): void {
    this.#leave((far) => far.destroy());
  }

  pause(): void {
    this.#paused = true;
    this.#far?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#held.toNear < MOST) this.#far?.resume();
  }

  /** The cable carries again: all that waited goes on its way. */
  mend(): void {
    if (this.#nearGone || this.#farGone) {
      this.#home.delete(this);
      this.#far?.destroy();
      if (!this.#nearGone) this.#events?.error(Errno.connreset);
      return;
    }
    const [out, back] = [this.#toFar, this.#toNear];
    const wasFull = this.#full;
    this.#toFar = [];
    this.#toNear = [];
    this.#held = { toFar: 0, toNear: 0 };
    this.#full = false;
    if (!this.#far) {
      this.#far = this.#connect();
      this.#follow(this.#far);
    }
    // First what the near end sent: what it hears now may make it send more.
    for (const act of out) act();
    for (const act of back) act();
    if (!this.#paused) this.#far.resume();
    if (wasFull) this.#events?.drain();
  }

  #follow(far: Connection): void {
    const near = () => this.#events;
    far.listen({
      open: () => this.#in(() => near()?.open?.()),
      data: (bytes) => {
        if (this.#cable.isCut) {
          this.#held.toNear += bytes.length;
          if (this.#held.toNear >= MOST) far.pause();
        }
        this.#in(() => near()?.data(bytes));
      },
      drain: () => this.#in(() => near()?.drain()),
      end: () => this.#gone(() => near()?.end()),
      error: (errno) => this.#gone(() => near()?.error(errno)),
    });
  }

  #in(act: () => void): void {
    if (this.#cable.isCut) this.#toNear.push(act);
    else act();
  }

  #out(act: (far: Connection) => void): void {
    const far = this.#far;
    if (this.#cable.isCut || !far) this.#toFar.push(() => this.#far && act(this.#far));
    else act(far);
  }

  #gone(tell: () => void): void {
    if (this.#cable.isCut) this.#farGone = true;
    else tell();
  }

  #leave(act: (far: Connection) => void): void {
    if (this.#cable.isCut) {
      this.#nearGone = true;
      return;
    }
    this.#home.delete(this);
    if (this.#far) act(this.#far);
  }
}
