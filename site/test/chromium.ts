import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));
export const withoutChromium = chromiumPath ? false : "no Chromium on this machine";

/** A real browser; closes with what it is given to. */
export const openBrowser = (): Promise<Browser> =>
  // Chromium's own sandbox does not run as root.
  chromium.launch({ executablePath: chromiumPath as string, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
