/** A build that cannot go on: what happened, and what to try. */
export class BuildFault extends Error {
  /**
   * @param {string} message what happened
   * @param {string} hint what to try
   */
  constructor(message, hint) {
    super(message);
    this.name = "BuildFault";
    this.hint = hint;
  }
}
