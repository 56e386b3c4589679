/** The native Mosquitto of our own image, for tests that run beside the embedded one. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const DYNSEC = "mosquitto_dynamic_security.so";
const IMAGE = "mqtt-notebooks/mosquitto:2.1";
/** Mosquitto, the plugin and every library they load, as an archive. */
const TAKE = `
  files="/usr/sbin/mosquitto /usr/lib/${DYNSEC}"
  tar -chf - $files $(ldd $files | grep -o '/[^ :]*' | sort -u)
`;

/**
 * Takes the program out of the image: upstream's tests run it as a process of this machine, on its own loader.
 * @returns the text of an executable that runs it, or null where there is no such image.
 */
export function nativeMosquitto(root: string): string | null {
  const folder = join(root, "native");
  mkdirSync(folder, { recursive: true });
  try {
    const archive = execFileSync("docker", ["run", "--rm", "--entrypoint", "sh", IMAGE, "-c", TAKE], {
      maxBuffer: 200 << 20,
      stdio: ["ignore", "pipe", "ignore"],
    });
    execFileSync("tar", ["-xf", "-", "-C", folder], { input: archive, stdio: ["pipe", "ignore", "ignore"] });
    const loader = execFileSync("sh", ["-c", 'ls "$1"/lib64/ld-* "$1"/lib/ld-* 2>/dev/null | head -1', "sh", folder], {
      encoding: "utf8",
    }).trim();
    const libraries = execFileSync("sh", ["-c", 'dirname $(find "$1" -name "libc.so*" | head -1)', "sh", folder], {
      encoding: "utf8",
    }).trim();
    if (!loader) return null;
    // Where upstream's tests look for it.
    const plugins = join(root, "plugins", "dynamic-security");
    mkdirSync(plugins, { recursive: true });
    copyFileSync(join(folder, "usr/lib", DYNSEC), join(plugins, DYNSEC));
    return `#!/bin/sh\nexec "${loader}" --library-path "${libraries}" "${folder}/usr/sbin/mosquitto" "$@"\n`;
  } catch {
    return null; // no docker, or no such image
  }
}
