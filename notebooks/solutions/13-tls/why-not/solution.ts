async function whyNot(url: string, root: string): Promise<string> {
  const code = await attempt(url, { ca: root });
  if (code === "connected") return "ok";
  if (code === "CERT_HAS_EXPIRED") return "expired";
  return code === "ERR_TLS_CERT_ALTNAME_INVALID" ? "host" : "authority";
}
