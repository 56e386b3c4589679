import { join, resolve } from "node:path";

/** The course's folder: three floors up from dist/core. */
export const courseRoot = resolve(__dirname, "..", "..", "..");

/** Everything that may be deleted at any time and comes back by itself. Git-ignored. */
export const cacheFolder = join(courseRoot, ".cache");

/** A folder below the cache. */
export const cachePath = (...parts: string[]): string => join(cacheFolder, ...parts);
