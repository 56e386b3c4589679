const claims = {
  cause: "identity",
  evidence: drillLog.filter((line) => line.text.includes("taken over") || line.text.includes("already connected")).at(-1)?.text.replace(/^\d+: /, "") ?? "",
  east: { protocolVersion: 4, clean: false, clientId: "recorder/1" } as LabClientOptions,
  west: { ...west, clientId: `${west.clientId}-2` },
};
