/** Perl, which OpenSSL's own configuration is written in: whether it is here, with the modules that it uses. */
import { run } from "./run.mjs";

/** Debian's perl-base and Fedora's perl-interpreter leave some of these out. */
const MODULES =
  "Carp Config Cwd Exporter File::Basename File::Compare File::Copy File::Glob File::Path File::Spec FindBin Getopt::Long Getopt::Std IPC::Cmd JSON::PP POSIX".split(
    " ",
  );

/**
 * @param {string} [program]
 * @returns {Promise<{ program: string, version: string } | { lack: string }>} what is missing, in words
 */
export async function findPerl(program = "perl") {
  const words = MODULES.map((name) => `-M${name}`);
  const { code, stdout, stderr } = await run(program, [...words, "-e", "printf '%vd', $^V"]);
  if (code === 0) return { program, version: stdout };
  if (code === null) return { lack: "perl is not installed" };
  const module = /Can't locate (\S+)\.pm/.exec(stderr)?.[1]?.replaceAll("/", "::");
  return { lack: module ? `perl has no module ${module}: only a part of it is installed` : "perl does not run" };
}
