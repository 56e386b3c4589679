const inFile = (await drill.files.read("server.crt")).split(/(?<=-----END CERTIFICATE-----\n)/);
const second = new X509Certificate(inFile[1]!);
const claims = {
  cause: "intermediate",
  evidence: `${second.subject} ended: ${new Date(second.validTo).toISOString()}`,
  chain: [inFile[0], ca.intermediate].join(""),
};
