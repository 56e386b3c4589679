import type { LabContent } from "./lab-page";
import type { Run } from "./notebook";
import type { Observation } from "./observations";
import type { Change, Curriculum, ListedLab, PlannedLab } from "./sources";

/** A page of a lab, with its place in the course. */
export interface LabEntry {
  /** The notebook's name without ending. */
  readonly name: string;
  readonly page: string;
  readonly content: LabContent;
  readonly listed: ListedLab | undefined;
}

/** What another run of a lab showed: on another release of the broker, on another engine. */
export interface OtherRun {
  readonly lab: string;
  readonly run: Run | undefined;
  readonly observations: readonly Observation[];
}

export interface SiteMap {
  /** In reading order. */
  readonly labs: readonly LabEntry[];
  /** Of the course, and not on the site. */
  readonly toCome: readonly PlannedLab[];
  /** Topic id -> what it is called. */
  readonly topics: Curriculum["topics"];
  readonly runs: readonly OtherRun[];
  /** Newest first. */
  readonly changes: readonly Change[];
}

export const COURSE = "MQTT in notebooks";

export const isStatement = (id: string): boolean => id.startsWith("MQTT-");

/** The page and place where a topic or statement is looked up. */
export const placeOf = (id: string): string =>
  `${isStatement(id) ? "statements" : "topics"}.html#${encodeURIComponent(id)}`;

/** A lab as others name it by its number: "lab 3", with its page where it is written. */
export function labByNumber(map: SiteMap, number: number): { title: string; page: string | undefined } | undefined {
  const lab = map.labs.find((one) => one.listed?.id === number);
  if (lab) return { title: lab.content.title, page: lab.page };
  const planned = map.toCome.find((one) => one.id === number);
  return planned && { title: planned.title, page: undefined };
}

export const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;
