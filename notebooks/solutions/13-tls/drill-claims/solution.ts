const sentByNight = drillTap.records.flatMap((record) => record.messages.flatMap((one) => one.certificates ?? []));
const over = sentByNight.find((one) => one.validTo < new Date())!;
const claims = {
  cause: "intermediate",
  evidence: `${over.subject}, issued by ${over.issuer}, valid until ${over.validTo.toISOString().slice(0, 10)}`,
  chain: night.certificate + ca.intermediate,
};
