/** The program of a worker that runs brokers: each has its own instance, files and listeners. */
import { parentPort } from "node:worker_threads";
import { Broker } from "../core/broker";
import { FolderFiles } from "./folder-files";
import type { FromWorker, OutputLine, StartMessage, ToWorker } from "./messages";
import { Route } from "./route";
import { type Doors, PublishedNetwork, ReadyServer } from "./tcp";

interface Running {
  /** null while it starts. */
  broker: Broker | null;
  readonly route: Route;
  /** What came while it started. */
  readonly waiting: ToWorker[];
}

const running = new Map<number, Running>();
const port = parentPort!;
const say = (message: FromWorker) => port.postMessage(message);

/** Lines of one turn travel together: a broker that logs every packet would else pay for each. */
function lineSender(id: number): { line: (text: string, fd: 1 | 2) => void; flush: () => void } {
  let lines: OutputLine[] = [];
  const flush = () => {
    if (lines.length) say({ event: "lines", id, lines });
    lines = [];
  };
  return {
    line(text, fd) {
      if (!lines.length) queueMicrotask(flush);
      lines.push([fd, text]);
    },
    flush,
  };
}

/** Opens every host port first; what fails closes the others and tells the engine. */
async function openPorts(id: number, start: StartMessage): Promise<Map<number, Doors> | null> {
  const opened: ReadyServer[] = [];
  const open = async (host: string, port: number) => {
    const server = await ReadyServer.open({ host, port });
    opened.push(server);
    return server;
  };
  const doors = new Map<number, Doors>();
  for (const published of start.ports) {
    const { host, port, hostPort, insidePort } = published;
    try {
      const outside = await open(host, hostPort);
      doors.set(port, { outside, inside: insidePort === undefined ? null : await open(host, insidePort) });
    } catch (error) {
      for (const server of opened) server.close();
      const { message, code = "" } = error as NodeJS.ErrnoException;
      say({ event: "refused", id, port: published, message, code });
      return null;
    }
  }
  return doors;
}

async function start(id: number, message: StartMessage): Promise<void> {
  const route = new Route(message.ports, message.neighbours, message.cut);
  const entry: Running = { broker: null, route, waiting: [] };
  // Before anything is waited for: news of its neighbours may come at once.
  running.set(id, entry);
  const doors = await openPorts(id, message);
  if (!doors) {
    running.delete(id);
    return;
  }
  const files = new FolderFiles(message.mounts);
  const lines = lineSender(id);
  const network = new PublishedNetwork(doors, {
    route: route.to,
    cable: route.cable,
    realPath: (path) => files.realPath(path),
  });
  entry.broker = await Broker.start({
    module: message.module,
    files,
    network,
    args: message.args,
    env: message.env,
    line: lines.line,
    ended(end) {
      running.delete(id);
      // Listeners that the configuration didn't open after all.
      for (const { outside, inside } of doors.values()) for (const one of [outside, inside]) one?.close();
      lines.flush();
      say({ event: "ended", id, end });
    },
  });
  say({ event: "started", id });
  for (const waiting of entry.waiting.splice(0)) carryOut(waiting);
}

/** Nothing of the broker's own: this program, its files or its memory failed it. */
function failed(id: number, error: Error): void {
  running.delete(id);
  say({ event: "lines", id, lines: [[2, `mosquitto could not be run: ${error.message}`]] });
  say({ event: "ended", id, end: { code: null, signal: "SIGABRT" } });
}

function carryOut(message: ToWorker): void {
  if (message.op === "start") {
    start(message.id, message.start).catch((error: Error) => failed(message.id, error));
    return;
  }
  const entry = running.get(message.id);
  // It has ended meanwhile: `ended` is on its way.
  if (!entry) return;
  const { broker } = entry;
  if (message.op === "neighbours") entry.route.update(message.neighbours, message.cut);
  else if (message.op === "heard") say({ event: "heard", id: message.id });
  else if (!broker) entry.waiting.push(message);
  else if (message.op === "signal") {
    broker.signal(message.name);
    say({ event: "signalled", id: message.id });
  } else if (message.op === "kill") broker.kill();
  else if (message.op === "spoil") broker.spoilMemory();
  else if (message.op === "memory") say({ event: "memory", id: message.id, bytes: broker.memorySize });
  else {
    broker[message.op]();
    say({ event: message.op === "pause" ? "paused" : "resumed", id: message.id });
  }
}

port.on("message", carryOut);
say({ event: "ready" });
