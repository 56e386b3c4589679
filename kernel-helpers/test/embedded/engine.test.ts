/** The suite that every engine passes, on the embedded one. */
import { existsSync } from "node:fs";
import { embeddedEngine } from "kernel-helpers/dist/brokers/embedded";
import { engineSuite } from "../brokers/engine-suite";
import { notBuilt } from "./lab";

engineSuite("embedded", embeddedEngine, {
  skip: async () => notBuilt,
  leftovers: async (scope) => (existsSync(scope.folder) ? [`folder ${scope.folder}`] : []),
  isThere: async (broker) => broker.state !== "exited",
});
