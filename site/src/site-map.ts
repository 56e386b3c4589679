import type { LabContent } from "./lab-page";
import type { ListedLab } from "./sources";

/** A page of a lab, with its place in the course. */
export interface LabEntry {
  /** The notebook's name without ending. */
  readonly name: string;
  readonly page: string;
  readonly content: LabContent;
  readonly listed: ListedLab | undefined;
}

export interface SiteMap {
  /** In reading order. */
  readonly labs: readonly LabEntry[];
  /** Listed in course.json, and not on the site. */
  readonly toCome: readonly ListedLab[];
}

/** "03-qos-and-retained" -> "QoS and retained": what a lab to come is called. */
export function titleFromSlug(slug: string): string {
  const words = slug.replace(/^\d+-/, "").replaceAll("-", " ");
  const known: Record<string, string> = { qos: "QoS", acl: "ACL", tls: "TLS", ha: "HA", mqtt: "MQTT" };
  const said = words.replace(/\b[a-z]+\b/g, (word) => known[word] ?? word);
  return said.charAt(0).toUpperCase() + said.slice(1) || slug;
}
