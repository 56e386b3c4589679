// expect: the packets that say so
// Looks for a refusal, which would have a code of 0x80 and more. Nobody was refused.
const claims = {
  meters: ["23", "31"],
  evidence: gatewayTap.packets
    .filter((one) => one.packet.type === "PUBACK" && (one.packet.reasonCode ?? 0) >= 0x80)
    .map((one) => one.number),
  repaired: fleet,
};
