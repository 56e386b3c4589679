import { kernelSuite } from "./suite";

kernelSuite(`Node ${process.versions.node}`, process.execPath);
