/**
 * A certificate authority of the course's own: a root, an intermediate below it, and certificates for servers and
 * clients, good ones and ones with a fault. What certificates look like is in certs/profiles.json; RSA keys and their
 * certificates come from node-forge, EC keys and revocation lists from @peculiar/x509.
 */
import { X509Certificate } from "node:crypto";
import { inspect } from "node:util";
import { LabError } from "../core/errors";
import type { Pair } from "./authority-rsa";
import {
  type CertificateFault,
  checkedSubject,
  faultyIntermediate,
  type KeyKind,
  type Recipe,
  recipe,
} from "./profile";
import { type PrivateKey, privateKey } from "./secret";
import { FolderStore, MemoryStore, type Store } from "./store";

export type { CertificateFault } from "./profile";
export type { PrivateKey } from "./secret";

export interface CertificateOptions {
  /** What is wrong with it, on purpose. */
  fault?: CertificateFault;
  /** Its subject alternative names. Default for a server: localhost, 127.0.0.1, ::1 and its name; for a client: its name. */
  hosts?: readonly string[];
  /** Default "RSA" (2048 bits); "EC" is P-256. */
  key?: KeyKind;
}

/** A certificate with its key, as a broker's `files` and MQTT.js's options take them. Printing it shows no key. */
export interface Certificate {
  /** Its common name. */
  readonly name: string;
  readonly kind: "server" | "client";
  /** PEM, this certificate alone. */
  readonly certificate: string;
  /** PEM: this certificate and the intermediate that issued it. What its owner sends; the root is for the other side. */
  readonly chain: string;
  readonly key: PrivateKey;
  readonly hosts: readonly string[];
  readonly issuer: string;
  /** In hex. */
  readonly serial: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Opened by `lab.authority()`. */
export interface Authority {
  readonly name: string;
  /** The root's certificate, PEM: what others are given to trust. */
  readonly certificate: string;
  /** The intermediate's certificate, PEM. */
  readonly intermediate: string;
  /** A certificate for a broker. The same name and options again give the same one. */
  server(name: string, options?: CertificateOptions): Promise<Certificate>;
  /** A certificate for a client: its name is the user that `use_identity_as_username` makes of it. */
  client(name: string, options?: CertificateOptions): Promise<Certificate>;
  /** Revokes certificates of this authority and returns the list (PEM) of all that it revoked; without any, the list so far. */
  revoke(...certificates: readonly Certificate[]): Promise<string>;
}

/** For the life of the process, and only in it. */
const memory = new MemoryStore();

/**
 * @param name of the authority: its root is "<name> root".
 * @param where "folder" keeps everything in certs/out, "memory" in this process only.
 * @throws LabError BAD_ARGUMENT for what can't be a name, DISK_FULL.
 */
export async function openAuthority(name: string, where: "folder" | "memory" | Store = "folder"): Promise<Authority> {
  const store = where === "folder" ? new FolderStore() : where === "memory" ? memory : where;
  const authority = checkedSubject(name, "an authority");
  const rootRecipe = recipe(authority, "root", "");
  const root = await store.get({ recipe: rootRecipe, issuer: null, make: () => rsa(rootRecipe, null) });
  const middleRecipe = recipe(authority, "intermediate", "");
  const make = () => rsa(middleRecipe, root);
  const intermediate = await store.get({ recipe: middleRecipe, issuer: root.certificate, make });
  return new OwnAuthority(authority, store, root, intermediate);
}

class OwnAuthority implements Authority {
  readonly name: string;
  readonly certificate: string;
  readonly intermediate: string;
  readonly #store: Store;
  readonly #root: Pair;
  readonly #intermediate: Pair;
  readonly #revoked = new Map<string, Date>();

  constructor(name: string, store: Store, root: Pair, intermediate: Pair) {
    this.name = name;
    this.certificate = root.certificate;
    this.intermediate = intermediate.certificate;
    this.#store = store;
    this.#root = root;
    this.#intermediate = intermediate;
  }

  server(name: string, options: CertificateOptions = {}): Promise<Certificate> {
    return this.#issue("server", name, options);
  }

  client(name: string, options: CertificateOptions = {}): Promise<Certificate> {
    return this.#issue("client", name, options);
  }

  async revoke(...certificates: readonly Certificate[]): Promise<string> {
    for (const { name, issuer, serial } of certificates) {
      if (issuer !== commonName(this.intermediate)) throw foreign(name, issuer, this.name);
      if (!this.#revoked.has(serial)) this.#revoked.set(serial, new Date());
    }
    const { makeCrl } = await import("./authority-x509");
    return makeCrl(this.#intermediate, this.#revoked);
  }

  [inspect.custom](): string {
    return `authority ${this.name} · ${until(this.certificate)} · issues through its intermediate, ${until(this.intermediate)}`;
  }

  async #issue(kind: "server" | "client", name: string, options: CertificateOptions): Promise<Certificate> {
    const wanted = recipe(this.name, kind, checkedSubject(name, `a ${kind}'s certificate`), options);
    const issuer = this.#intermediate;
    const pair = await this.#store.get({
      recipe: wanted,
      issuer: issuer.certificate,
      make: () => issue(wanted, issuer),
    });
    const above = await this.#above(options.fault);
    const issued = new Issued(kind, wanted, pair, above);
    if (options.fault === "revoked") this.#revoked.set(issued.serial, new Date());
    return issued;
  }

  /** The intermediate in the chain: the good one, or the same key's certificate with a fault of its own. */
  async #above(fault: CertificateFault | undefined): Promise<string> {
    const faulty = faultyIntermediate(this.name, fault);
    if (!faulty) return this.intermediate;
    const make = () => rsa(faulty, this.#root, this.#intermediate);
    const wanted = { recipe: faulty, issuer: this.certificate, keyOf: this.intermediate, make };
    return (await this.#store.get(wanted)).certificate;
  }
}

class Issued implements Certificate {
  readonly name: string;
  readonly kind: "server" | "client";
  readonly certificate: string;
  readonly chain: string;
  readonly key: PrivateKey;
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly serial: string;
  readonly validFrom: Date;
  readonly validTo: Date;

  constructor(kind: "server" | "client", { commonName: name, hosts }: Recipe, pair: Pair, above: string) {
    const read = new X509Certificate(pair.certificate);
    this.name = name;
    this.kind = kind;
    this.certificate = pair.certificate;
    this.chain = pair.certificate + above;
    this.key = privateKey(pair.key, name);
    this.hosts = hosts;
    this.issuer = commonName(above);
    this.serial = read.serialNumber.toLowerCase();
    this.validFrom = new Date(read.validFrom);
    this.validTo = new Date(read.validTo);
  }

  [inspect.custom](): string {
    const names = this.hosts.length ? ` · for ${this.hosts.join(", ")}` : "";
    const from = this.validFrom.getTime() > Date.now() ? `valid from ${day(this.validFrom)}` : until(this.certificate);
    return `${this.kind} certificate of ${this.name}${names} · ${from} · issued by ${this.issuer}`;
  }
}

async function rsa(wanted: Recipe, issuer: Pair | null, keyOf?: Pair): Promise<Pair> {
  const { makeRsa } = await import("./authority-rsa");
  return makeRsa(wanted, issuer, keyOf);
}

async function issue(wanted: Recipe, issuer: Pair): Promise<Pair> {
  if (wanted.key.kind === "RSA") return rsa(wanted, issuer);
  const { makeEc } = await import("./authority-x509");
  return makeEc(wanted, issuer);
}

const commonName = (pem: string): string => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1] ?? "";

function until(pem: string): string {
  const end = new Date(new X509Certificate(pem).validTo);
  return `${end.getTime() < Date.now() ? "ended" : "valid until"} ${day(end)}`;
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

const foreign = (name: string, issuer: string, authority: string): LabError =>
  new LabError(
    "BAD_ARGUMENT",
    `the certificate of ${name} was issued by ${issuer}, not by ${authority}`,
    "an authority revokes what it issued: ask the one that did",
  );
