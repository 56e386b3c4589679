/**
 * Where certificates and keys are kept: certs/out, which git ignores and this user alone may read. One file for a key
 * and its certificate, so that the two always belong together, whoever writes at the same time.
 */
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { orDiskFull } from "../core/disk-full";
import { withLock } from "../core/lock";
import { courseRoot } from "../core/paths";
import type { Pair } from "./authority-rsa";
import { type Recipe, recipeMark } from "./profile";

export interface Wanted {
  readonly recipe: Recipe;
  /** The issuer's certificate, PEM; null for a root, which signs itself. */
  readonly issuer: string | null;
  /** PEM of the certificate whose key it certifies again. */
  readonly keyOf?: string;
  /** Makes it anew. */
  make(): Promise<Pair>;
}

export interface Store {
  /** What is there when it is still as wanted, else a new one. */
  get(wanted: Wanted): Promise<Pair>;
}

/** Of this process only: what a check needs must not lie where a cell could have put it. */
export class MemoryStore implements Store {
  readonly #pairs = new Map<string, Promise<Pair>>();

  get(wanted: Wanted): Promise<Pair> {
    const key = `${wanted.recipe.authority}/${wanted.recipe.file}`;
    const known = this.#pairs.get(key) ?? wanted.make();
    this.#pairs.set(key, known);
    return known;
  }
}

/** ENOENT is what Node makes of a folder that can't be made on a read-only disk. */
const READ_ONLY = ["EROFS", "EACCES", "EPERM", "ENOENT"];
const unwritten = new MemoryStore();

/** certs/out of the course. */
export const outFolder = join(courseRoot, "certs", "out");

export class FolderStore implements Store {
  readonly #root: string;

  constructor(root = outFolder) {
    this.#root = root;
  }

  async get(wanted: Wanted): Promise<Pair> {
    const there = this.#read(wanted);
    if (there) return there;
    try {
      // Two kernels that need it at once: the second finds what the first has made.
      return await withLock(`certs-${wanted.recipe.authority.toLowerCase()}`, async () => {
        const made = this.#read(wanted);
        if (made) return made;
        const pair = await wanted.make();
        this.#write(wanted, pair);
        return pair;
      });
    } catch (error) {
      // A course that nobody may write to, as the one that graded notebooks see: kept as long as the kernel lives.
      if (!READ_ONLY.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      return unwritten.get(wanted);
    }
  }

  #path({ recipe }: Wanted): string {
    return join(this.#root, recipe.authority, `${recipe.file}.pem`);
  }

  /** The pair of a file that is whole, made from this recipe by this issuer, and at its time; else undefined. */
  #read(wanted: Wanted): Pair | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path(wanted), "latin1");
    } catch {
      return undefined; // not there, or not readable: made anew
    }
    if (!text.startsWith(heading(wanted))) return undefined;
    const block = (label: string) =>
      new RegExp(`-----BEGIN ${label}-----\\n[^-]+-----END ${label}-----\\n`).exec(text)?.[0];
    const [key, certificate] = [block("PRIVATE KEY"), block("CERTIFICATE")];
    if (!key || !certificate) return undefined;
    try {
      return isGood({ key, certificate }, wanted) ? { key, certificate } : undefined;
    } catch {
      return undefined; // damaged: OpenSSL can't read it
    }
  }

  #write(wanted: Wanted, { key, certificate }: Pair): void {
    const path = this.#path(wanted);
    const folder = join(this.#root, wanted.recipe.authority);
    const fresh = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const one of [this.#root, folder]) chmodSync(one, 0o700);
      writeFileSync(fresh, `${heading(wanted)}${key}${certificate}`, { mode: 0o600, flag: "wx" });
      renameSync(fresh, path);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw orDiskFull(error, folder);
    }
  }
}

/** Text before the first block of a PEM file is a comment to every program that reads one. */
const heading = ({ recipe, issuer, keyOf = "" }: Wanted): string =>
  `MQTT notebooks: ${recipe.file} of ${recipe.authority}\nRecipe: ${recipeMark(recipe, `${issuer ?? ""}${keyOf}`)}\n`;

function isGood({ key, certificate }: Pair, { recipe, issuer }: Wanted): boolean {
  const read = new X509Certificate(certificate);
  const signer = issuer === null ? read : new X509Certificate(issuer);
  return read.checkPrivateKey(createPrivateKey(key)) && read.verify(signer.publicKey) && isAtItsTime(read, recipe.days);
}

const DAY = 86_400_000;
/** One that ends within so many days is made anew, and one that begins then and was to begin later. */
const MARGIN = 7;

function isAtItsTime({ validFrom, validTo }: X509Certificate, days: Recipe["days"], now = Date.now()): boolean {
  const from = (Date.parse(validFrom) - now) / DAY;
  const to = (Date.parse(validTo) - now) / DAY;
  if (days.to < 0) return to < 0;
  return days.from > 0 ? from > MARGIN : from < 0 && to > MARGIN;
}
