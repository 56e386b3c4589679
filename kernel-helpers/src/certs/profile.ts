/** What certificates of the course look like: certs/profiles.json, with names filled in. Pure but for reading the file. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";

export type Kind = "authority" | "server" | "client";
export type KeyKind = "RSA" | "EC";

/** What is wrong with a certificate on purpose. */
export type CertificateFault =
  | "expired"
  | "not-yet-valid"
  | "wrong-host" // names of another host
  | "no-hosts" // a common name, and no subject alternative names
  | "wrong-usage" // a client's certificate at a server, or the other way round
  | "expired-intermediate" // itself valid; the intermediate in its chain has ended
  | "revoked";

/** Days from the moment of issue; a notBefore in the past is for clocks that are behind. */
export interface Days {
  readonly from: number;
  readonly to: number;
}

interface Profile {
  readonly kind: Kind;
  readonly issuer: string | null;
  readonly subject: string;
  readonly pathLength?: number;
  readonly usages: readonly string[];
  readonly purposes?: readonly string[];
  readonly hosts?: readonly string[];
  readonly days: Days;
}

type Change = Partial<Pick<Profile, "purposes" | "hosts" | "days">>;
type Fault = Change & { readonly server?: Change; readonly client?: Change; readonly through?: Change };

interface Profiles {
  readonly edition: number;
  readonly rsaBits: number;
  readonly ecCurve: "P-256";
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly faults: Readonly<Record<CertificateFault, Fault>>;
}

/** Everything that decides how a certificate comes out, but for its key, its serial number and the time. */
export interface Recipe {
  readonly authority: string;
  /** The file's name in the authority's folder, without its ending. */
  readonly file: string;
  readonly kind: Kind;
  readonly commonName: string;
  readonly key: { readonly kind: "RSA"; readonly bits: number } | { readonly kind: "EC"; readonly curve: "P-256" };
  readonly usages: readonly string[];
  readonly purposes: readonly string[];
  readonly hosts: readonly string[];
  readonly pathLength: number | null;
  readonly days: Days;
  readonly edition: number;
}

let read: Profiles | undefined;

/** certs/profiles.json. @throws LabError SETUP_FAILED when it is not there or no JSON. */
export function profiles(): Profiles {
  const path = join(courseRoot, "certs", "profiles.json");
  try {
    read ??= JSON.parse(readFileSync(path, "utf8")) as Profiles;
    return read;
  } catch (cause) {
    throw new LabError("SETUP_FAILED", `${path} can't be read`, "bring it back: git checkout certs/profiles.json", {
      cause,
    });
  }
}

export interface RecipeOptions {
  readonly fault?: CertificateFault;
  readonly hosts?: readonly string[];
  readonly key?: KeyKind;
}

/** @throws LabError BAD_ARGUMENT for names that no certificate of the course can carry. */
export function recipe(authority: string, profile: string, name: string, options: RecipeOptions = {}): Recipe {
  const { edition, rsaBits, ecCurve, profiles: known } = profiles();
  const base = known[profile]!;
  const fault = faultOf(options.fault);
  const own = base.kind === "authority" ? {} : { ...plainChange(fault), ...fault?.[base.kind] };
  const { kind, subject, usages, pathLength, purposes = [], hosts = [], days } = { ...base, ...own };
  const fill = (text: string) => text.replace("{authority}", authority).replace("{name}", name);
  const all = [...new Set((options.hosts ?? hosts).map(fill))];
  for (const host of all) checkHost(host);
  const key = options.key ?? "RSA";
  const parts = [
    profile,
    name,
    options.fault,
    key === "RSA" ? undefined : key.toLowerCase(),
    options.hosts && digest(all),
  ];
  return {
    authority,
    file: parts.filter(Boolean).join("."),
    kind,
    commonName: fill(subject),
    key: key === "EC" ? { kind: "EC", curve: ecCurve } : { kind: "RSA", bits: rsaBits },
    usages,
    purposes,
    hosts: all,
    pathLength: pathLength ?? null,
    days,
    edition,
  };
}

/** The intermediate that a fault puts into a certificate's chain; null where the good one belongs there. */
export function faultyIntermediate(authority: string, fault: CertificateFault | undefined): Recipe | null {
  const through = faultOf(fault)?.through;
  if (!through) return null;
  const good = recipe(authority, "intermediate", "");
  return { ...good, file: `${good.file}.${fault}`, days: through.days ?? good.days };
}

/** A mark that changes with whatever the certificate would come out differently for. */
export function recipeMark(one: Recipe, issuer: string): string {
  return createHash("sha256")
    .update(JSON.stringify([one, issuer]))
    .digest("hex");
}

/** @throws LabError BAD_ARGUMENT: names become folders, files and common names. */
export function checkedSubject(name: string, what: string): string {
  if (typeof name === "string" && /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(name)) return name;
  throw new LabError(
    "BAD_ARGUMENT",
    `${what} cannot be named ${JSON.stringify(name)}`,
    "use up to 64 letters, digits, dots and hyphens, such as sensor-1",
  );
}

function faultOf(fault: CertificateFault | undefined): Fault | undefined {
  if (fault === undefined) return undefined;
  const { faults } = profiles();
  if (Object.hasOwn(faults, fault)) return faults[fault];
  throw new LabError(
    "BAD_ARGUMENT",
    `there is no fault ${JSON.stringify(fault)}`,
    `take one of: ${Object.keys(faults).join(", ")}`,
  );
}

function plainChange(fault: Fault | undefined): Change {
  const { server: _, client: __, through: ___, ...change } = fault ?? {};
  return change;
}

function checkHost(host: string): void {
  if (isIP(host) || /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(host)) return;
  throw new LabError(
    "BAD_ARGUMENT",
    `${JSON.stringify(host)} is neither a host's name nor an address`,
    'give hosts as in { hosts: ["broker.plant.example", "192.0.2.7"] }',
  );
}

const digest = (hosts: readonly string[]): string =>
  createHash("sha256").update(hosts.join("\n")).digest("hex").slice(0, 8);
