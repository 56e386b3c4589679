const causes: Record<string, string> = {
  CERT_HAS_EXPIRED: "expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "host",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "authority",
  SELF_SIGNED_CERT_IN_CHAIN: "authority",
};
const whyNot = (url: string, root: string): Promise<string> =>
  lab.client(url, { ca: root, name: "support" }).then(
    async (client) => {
      await client.close();
      return "ok";
    },
    (error: LabError) => causes[(error.cause as { code: string }).code] ?? "unknown",
  );
