import { kernelSuite } from "./suite";

kernelSuite(`Node ${process.versions.node}`, async () => ({ path: process.execPath }));
