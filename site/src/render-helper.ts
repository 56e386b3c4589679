/** The second thread of a build: see render-pool. */
import { workerData } from "node:worker_threads";
import { Cache } from "./cache";
import type { LabContent } from "./lab-page";
import { type HelperWork, renderNext } from "./render-pool";

const { jobs, folder, maker, shared } = workerData as HelperWork;
renderNext(jobs, new Cache<LabContent>(folder, maker, `${process.pid}-helper`), shared);
