import type { Scope } from "../../core/scope";
import type { ExecOptions, Progress, ToolPlan, ToolResult } from "../engine";
import { noProgram } from "../no-program";
import { checkedRelease } from "../plan";
import { pack } from "../tar";
import { Box, foldersOf, readOut } from "./box";
import { ownerLabels } from "./cleanup";
import { call, engineError, statusOf } from "./client";
import { gather, OWNER } from "./exec";
import { mosquittoImage } from "./images";
import type { DockerHere } from "./index";

/** Runs one of the broker's programs in a container of its own, and brings back the files it made. */
export async function runTool(
  here: DockerHere,
  plan: ToolPlan,
  scope: Scope,
  options: ExecOptions & { progress?: Progress } = {},
): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }> {
  const image = await mosquittoImage(here.docker, checkedRelease(plan.mosquitto), options.progress);
  // Only clients need a network; without one a container starts in half the time.
  const online = /_(sub|pub|rr|ctrl)$/.test(plan.command[0] ?? "");
  const stdin = options.input !== undefined;
  const paths = plan.files.map((file) => file.path);
  const folders = foldersOf(["/mosquitto/config/x", ...paths, ...plan.collect]);
  const files = plan.files.map((file) => ({ ...file, path: file.path.slice(1) }));
  const box = await Box.create(
    here.docker,
    scope,
    "tool",
    {
      Image: image.id,
      Labels: ownerLabels(scope.session, plan.lab, "tool"),
      Entrypoint: [],
      Cmd: [...plan.command],
      User: `${OWNER.uid}:${OWNER.gid}`,
      WorkingDir: "/mosquitto/config",
      OpenStdin: stdin,
      StdinOnce: stdin,
      AttachStdin: stdin,
      HostConfig: { NetworkMode: online ? "bridge" : "none" },
    },
    online ? await here.network(scope, plan.lab).main() : null,
    pack(files, OWNER, folders),
  );
  try {
    const result = await runOnce(here, box, plan, options);
    return { ...result, files: await collect(box, plan.collect) };
  } finally {
    await box.remove();
  }
}

async function runOnce(here: DockerHere, box: Box, plan: ToolPlan, options: ExecOptions): Promise<ToolResult> {
  const { container } = box;
  const stdin = options.input !== undefined;
  const stream = await call("running a tool", () =>
    container.attach({ stream: true, stdout: true, stderr: true, stdin, hijack: true }),
  );
  try {
    await container.start();
  } catch (error) {
    stream.end();
    if (statusOf(error) === 400 || /executable file not found|no such file/i.test(String(error))) {
      throw noProgram(plan.command[0] ?? "");
    }
    throw engineError(error, "running a tool");
  }
  const result = await gather(here.docker, stream, plan.command, options, async () => {
    await container.kill({ signal: "SIGKILL" }).catch(() => undefined); // it may have ended in this moment
  });
  const { StatusCode } = (await call("running a tool", () => container.wait())) as { StatusCode: number };
  return { ...result, exitCode: StatusCode };
}

async function collect(box: Box, paths: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of paths) {
    const content = await readOut(box.container, path);
    if (content) files.set(path, content);
  }
  return files;
}
