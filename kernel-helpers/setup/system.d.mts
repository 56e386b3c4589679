export type Manager = "apt" | "dnf" | "pacman" | "apk" | "zypper" | "brew" | "winget" | "none";
export type Thing = "python" | "venv" | "node" | "perl" | "docker" | "mosquitto";
export declare function packageManager(platform?: NodeJS.Platform, osRelease?: string): Manager;
export declare function isRoot(): boolean;
export declare function howToGet(thing: Thing, manager?: Manager, root?: boolean): string;
