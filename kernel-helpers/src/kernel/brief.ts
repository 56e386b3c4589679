import { setFlagsFromString } from "node:v8";

/** The grader's word for a kernel whose outputs nobody looks at, and which is over soon. */
export const UNSEEN = process.env.MQTT_LAB_UNSEEN === "1";

/** V8's patience before it optimizes a function, about ten times its own; the name changed with V8 12. */
const PATIENCE =
  Number.parseInt(process.versions.v8, 10) < 12
    ? "--interrupt-budget=1000000"
    : "--invocation-count-for-turbofan=30000";

/**
 * For a kernel that lives for a few seconds, on processors that others wait for: what V8 would optimize in the meantime,
 * the compiler above all, is hardly used again. A quarter of such a kernel's time went there. Loops that really run long
 * are still optimized.
 */
export const optimizeLess = (): void => setFlagsFromString(PATIENCE);
