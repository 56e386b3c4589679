import { kernelSuite } from "./suite";
import { nodeBinary } from "./support";

/** The other releases that the course promises; each runs the whole suite. */
const VERSIONS = ["22.23.3", "24.9.0"];

for (const version of VERSIONS) kernelSuite(`Node ${version}`, () => nodeBinary(version));
