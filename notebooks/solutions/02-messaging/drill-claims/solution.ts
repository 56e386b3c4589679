const claims = {
  meters: ["23", "31"],
  evidence: gatewayTap.packets
    .filter((one) => one.packet.type === "PUBACK" && one.packet.reasonCode === 0x10)
    .map((one) => one.number),
  repaired: fleet.map(({ meter, topic }) => ({ meter, topic: topic.toLowerCase().replace(/^\//, "") })),
};
