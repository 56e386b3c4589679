import { LabError } from "../core/errors";
import type { Address } from "./address";
import type { TapConnection } from "./tap-connection";
import { Fault, type FaultDetails, type FaultOptions } from "./tap-faults";
import type { Line } from "./tap-line";
import type { FaultKind, PacketFilter, PacketRecord } from "./tap-record";
import type { Leg } from "./tap-verdict";

/** What faults need of their tap. */
export interface ArmedHost {
  readonly target: Address;
  /** Connections that are open. */
  readonly lines: ReadonlySet<Line>;
  /** Brings the decoders up to where the bytes are. */
  decode(): void;
  /** Something of a connection's fate; without one, of a fault's. */
  event(connection: TapConnection | undefined, text: string): void;
  /** A fault is armed no more. */
  disarmed(): void;
}

/** Which faults are armed, and what those do that are about whole connections. */
export class ArmedFaults {
  readonly #host: ArmedHost;
  /** In the order in which they were armed. */
  #armed: Fault[] = [];
  #closed = false;

  constructor(host: ArmedHost) {
    this.#host = host;
  }

  get any(): boolean {
    return this.#armed.length > 0;
  }

  arm(kind: FaultKind, filter: PacketFilter | undefined, options: FaultOptions & FaultDetails): Fault {
    const { scheme } = this.#host.target;
    const whole = filter === undefined && kind === "frozen" && options.client === undefined;
    if ((scheme === "mqtts" || scheme === "wss") && !whole) {
      throw new LabError(
        "ENGINE_CANNOT",
        `a tap in front of ${scheme}:// can't tell packets apart: they are for the two ends only`,
        "give the tap keys of its own (tls: { server, ca }), or use cut() and freeze() without a filter",
      );
    }
    const fault = new Fault(kind, filter, options, this.#ends);
    // What was forwarded until now is decoded, so that the decoders stand where the bytes do.
    this.#host.decode();
    if (!this.#closed) this.#armed.push(fault);
    return fault;
  }

  /** Cuts those connections that are open, at once. */
  cutNow(options: FaultOptions & FaultDetails): Fault {
    const fault = new Fault("cut", undefined, options, this.#ends);
    for (const line of this.#about(fault)) {
      if (!fault.armed) break;
      this.cut(line, fault);
      fault.met();
    }
    fault.off();
    return fault;
  }

  freezeNow(fault: Fault): void {
    for (const line of this.#about(fault)) this.#join(line, fault);
  }

  /** A connection was opened: it may have to freeze. */
  opened(line: Line): void {
    for (const fault of this.#armed) if (fault.whole && concerns(fault, line)) this.#join(line, fault);
  }

  /** The fault that meets this packet: the first armed one that fits. */
  meeting(record: PacketRecord, leg: Leg): Fault | undefined {
    return [...this.#armed].find((fault) => fault.meets(record, leg));
  }

  cut({ connection, relay }: Line, fault: Fault): void {
    const how = fault.details.how ?? "RST";
    this.#host.event(connection, `connection ${connection.number} was cut (${how})`);
    relay.cut(how);
  }

  freeze({ connection, frozen, relay }: Line, fault: Fault): void {
    if (!frozen.size) {
      relay.freeze();
      this.#host.event(connection, `connection ${connection.number} was frozen`);
    }
    frozen.add(fault);
  }

  /** The tap ends: nothing is armed any more, and nothing that waits goes on. */
  close(): void {
    this.#closed = true;
    for (const fault of this.#armed.splice(0)) fault.armed = false;
  }

  readonly #ends = {
    disarmed: (fault: Fault): void => {
      this.#armed = this.#armed.filter((one) => one !== fault);
      if (fault.over) this.#thaw(fault);
      this.#host.disarmed();
    },
    failed: (fault: Fault): void => this.#host.event(undefined, `a filter threw: ${fault.error}`),
  };

  #about(fault: Fault): Line[] {
    this.#host.decode();
    return [...this.#host.lines].filter((line) => concerns(fault, line));
  }

  /** A freeze without a filter meets a whole connection. */
  #join(line: Line, fault: Fault): void {
    if (!fault.armed) return;
    this.freeze(line, fault);
    fault.met();
  }

  #thaw(fault: Fault): void {
    for (const { connection, frozen, relay } of this.#host.lines) {
      if (!frozen.delete(fault) || frozen.size) continue;
      this.#host.event(connection, `connection ${connection.number} is no longer frozen`);
      relay.thaw();
    }
  }
}

function concerns(fault: Fault, { connection }: Line): boolean {
  const { number, clientId } = connection;
  return fault.about({ connection: number, clientId, direction: fault.direction });
}
