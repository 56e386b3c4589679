/** @throws an error with `message` and `fix`, the command that mends it. */
export declare function findPython(): { command: string[]; version: string };
