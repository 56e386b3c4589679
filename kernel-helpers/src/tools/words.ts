import { LabError } from "../core/errors";

/** A number of a program's option, from 1 to `most`. @throws LabError BAD_ARGUMENT with the line that would be right. */
export function atLeastOne(value: string | true | undefined, otherwise: number, right: string, most = 64): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new LabError("BAD_ARGUMENT", `${value} is no number from 1 to ${most}`, right);
}

/** 2 usage, 3 the machine cannot. */
export function exitCodeFor(error: unknown): number {
  return error instanceof LabError && error.code === "BAD_ARGUMENT" ? 2 : 3;
}
