import { LabError } from "../core/errors";

/** @param install how this machine gets it, where that is up to the reader. */
export const noProgram = (name: string, install?: string): LabError =>
  new LabError(
    "TOOL_FAILED",
    `there is no program ${name} beside this broker`,
    install ??
      "mosquitto_passwd, mosquitto_ctrl, mosquitto_sub, mosquitto_pub and mosquitto_rr are; mosquitto_signal comes with 2.1",
  );
