/** A step of set-up that failed: which, why, the last lines of the program that failed, and what mends it. */
export class SetupError extends Error {
  /** @param {{step: string, why: string, tail?: string, fix?: string, exitCode?: number}} what */
  constructor({ step, why, tail = "", fix, exitCode = 3 }) {
    super(why);
    Object.assign(this, { step, tail, fix, exitCode });
  }

  /** For a person at a terminal. @param {string} again the command that goes on from here. */
  toString(again) {
    const lines = [`set-up stopped at "${this.step}": ${this.message}`];
    if (this.tail) lines.push(...this.tail.split("\n").map((line) => `  | ${line}`));
    lines.push(`Try: ${this.fix ?? again}`);
    if (this.fix) lines.push(`then: ${again}   (it goes on from this step)`);
    return lines.join("\n");
  }
}
