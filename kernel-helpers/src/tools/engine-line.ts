import type { EngineKind } from "../brokers/engine";
import { LabError } from "../core/errors";

/** In one line, which engine the labs will use: asked the way a lab asks. */
export async function engineLine(wanted: EngineKind | "auto" | undefined): Promise<string> {
  const { selectEngine } = await import("../brokers/select");
  try {
    const { probe, notices } = await selectEngine({ wanted });
    return [`Labs will use ${probe.kind}: ${probe.summary}`, ...notices].join("\n");
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return `No lab can start a broker here yet: ${error.message}\nTry: ${error.hint}   (npm run doctor says more)`;
  }
}
