/** Every way in which a helper can fail: what a program tells apart. */
export type LabErrorCode =
  | "NO_ENGINE" // nothing here can run a broker
  | "ENGINE_UNREACHABLE" // an engine was named and does not answer
  | "ENGINE_FORBIDDEN" // the engine's socket is there, this user may not use it
  | "ENGINE_LOST" // the engine went away while a lab was open
  | "ENGINE_CANNOT" // this engine cannot show what was asked; the hint names one that can
  | "IMAGE_UNAVAILABLE" // an image is missing and cannot be built or pulled
  | "BROKER_EXITED" // the broker ended before it was ready, or while it was needed
  | "BROKER_NOT_READY" // the broker runs, but no CONNACK came in time
  | "BAD_CONFIG" // Mosquitto refused the configuration
  | "PORT_TAKEN" // a host port is in use
  | "CONNECT_FAILED" // a client could not reach the broker
  | "CONNECT_REFUSED" // the broker answered CONNECT with a reason code
  | "TIMEOUT" // what was awaited did not happen in time
  | "TOOL_FAILED" // a program of the broker's ended with an error
  | "DISK_FULL"
  | "NOT_IN_A_LAB" // closed, or never opened
  | "BAD_ARGUMENT"
  | "MALFORMED_PACKET"
  | "SETUP_FAILED"
  | "NOTEBOOK_INVALID"
  | "OBSERVATION_DIFFERS"; // a statement of the lesson does not hold on this broker

/** An error that a learner can act on: what happened, and what to try. */
export class LabError extends Error {
  override readonly name = "LabError";
  readonly code: LabErrorCode;
  readonly hint: string;

  constructor(code: LabErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  /** "CODE: what happened / Try: …": the stack of our own helpers would not help a learner. */
  override toString(): string {
    return `${this.code}: ${this.message}\nTry: ${this.hint}`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
