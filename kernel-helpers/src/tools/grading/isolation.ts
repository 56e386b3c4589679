/** Where a learner's kernel runs: sealed in a container, or in a process of this machine. */
import { sealingEngine } from "../../brokers/docker/sealed";
import { LabError } from "../../core/errors";
import { sealedCourse } from "./sealed-course";

/** Plain data: the process that grades one submission gets it as a message. */
export type Isolation = { readonly kind: "docker"; readonly volume: string } | { readonly kind: "process" };

export const ISOLATIONS = ["auto", "docker", "process"] as const;

/**
 * Makes ready what there is once for all submissions.
 * @throws LabError BAD_ARGUMENT for another word; NO_ENGINE where "docker" is wanted and none answers.
 */
export async function prepareIsolation(
  wanted: string,
  say: (line: string) => void = () => undefined,
): Promise<Isolation> {
  if (!(ISOLATIONS as readonly string[]).includes(wanted)) {
    throw new LabError("BAD_ARGUMENT", `there is no isolation "${wanted}"`, `use one of ${ISOLATIONS.join(", ")}`);
  }
  if (wanted === "process") return { kind: "process" };
  const engine = await sealingEngine();
  if (engine) return { kind: "docker", volume: await sealedCourse(engine.docker, say) };
  if (wanted === "auto") return { kind: "process" };
  throw new LabError(
    "NO_ENGINE",
    "no container engine of this machine answers",
    "start one, or grade with --isolate process",
  );
}
