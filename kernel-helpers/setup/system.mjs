/** What kind of machine this is, and the one command that brings a missing thing there. No dependency, any Node. */
import { readFileSync } from "node:fs";

/** The package manager that people of this system use. */
export function packageManager(platform = process.platform, osRelease = readOsRelease()) {
  if (platform === "darwin") return "brew";
  if (platform === "win32") return "winget";
  const words = `${/^ID=(.*)$/m.exec(osRelease)?.[1]} ${/^ID_LIKE=(.*)$/m.exec(osRelease)?.[1] ?? ""}`;
  if (/debian|ubuntu/.test(words)) return "apt";
  if (/fedora|rhel|centos/.test(words)) return "dnf";
  if (/arch/.test(words)) return "pacman";
  if (/alpine/.test(words)) return "apk";
  if (/suse/.test(words)) return "zypper";
  return "none";
}

function readOsRelease() {
  try {
    return readFileSync("/etc/os-release", "utf8").replaceAll('"', "");
  } catch {
    return "";
  }
}

const install = {
  apt: "apt-get install -y",
  dnf: "dnf install -y",
  pacman: "pacman -S --noconfirm",
  apk: "apk add",
  zypper: "zypper install -y",
  brew: "brew install",
  winget: "winget install",
};

/** Package names where they exist; a name that starts with "$" is a whole command. */
const packages = {
  python: {
    apt: "python3 python3-venv",
    dnf: "python3",
    pacman: "python",
    apk: "python3",
    zypper: "python3",
    brew: "python",
    winget: "Python.Python.3.13",
    none: "$ install Python 3.10 or newer from https://www.python.org",
  },
  venv: {
    apt: "python3-venv",
    none: "$ install Python 3.10 or newer with its venv and ensurepip modules, from https://www.python.org",
  },
  node: {
    apt: "$ install a current Node from https://nodejs.org (a release's own package may be too old)",
    dnf: "nodejs",
    pacman: "nodejs npm",
    apk: "nodejs npm",
    zypper: "nodejs22",
    brew: "node",
    winget: "OpenJS.NodeJS.LTS",
    none: "$ install a current Node from https://nodejs.org",
  },
  perl: {
    apt: "perl",
    dnf: "perl",
    pacman: "perl",
    apk: "perl perl-utils",
    zypper: "perl",
    brew: "perl",
    winget: "StrawberryPerl.StrawberryPerl",
    none: "$ install perl: https://www.perl.org/get.html",
  },
  docker: {
    apt: "docker.io",
    dnf: "moby-engine",
    pacman: "docker",
    apk: "docker",
    zypper: "docker",
    brew: "--cask docker",
    winget: "Docker.DockerDesktop",
    none: "$ install a container engine: https://docs.docker.com/engine/install",
  },
  mosquitto: {
    apt: "mosquitto",
    dnf: "mosquitto",
    pacman: "mosquitto",
    apk: "mosquitto",
    zypper: "mosquitto",
    brew: "mosquitto",
    winget: "EclipseFoundation.Mosquitto",
    none: "$ install Mosquitto: https://mosquitto.org/download",
  },
};

/** Whether commands for the whole system need sudo in front. */
export const isRoot = () => process.getuid?.() === 0;

/**
 * The command for this system, to be shown to a person.
 * @param {"python" | "venv" | "node" | "perl" | "docker" | "mosquitto"} thing
 */
export function howToGet(thing, manager = packageManager(), root = isRoot()) {
  const names = packages[thing][manager] ?? packages[thing].none;
  const sudo = root || manager === "brew" || manager === "winget" ? "" : "sudo ";
  if (names.startsWith("$ ")) return names.slice(2).replaceAll("SUDO ", sudo);
  return `${sudo}${install[manager]} ${names}`;
}
