const seenAtHub = drillTap.packets.map((one) => one.packet.topicName ?? "").find((topic) => topic.endsWith("boiler/1/temp")) ?? "";
const claims = {
  cause: "prefix",
  evidence: seenAtHub,
  repaired: (address: string) => deployed
    .replace(/^address .*$/m, `address ${address}`)
    .replace(/^topic .*$/gm, "")
    .concat('topic telemetry/# out 1 "" site/9/\ntopic cmd/# in 1 "" site/9/\n'),
};
