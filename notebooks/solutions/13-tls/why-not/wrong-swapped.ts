// expect: what is wrong is: host
async function whyNot(url: string, root: string): Promise<string> {
  const code = await attempt(url, { ca: root });
  if (code === "connected") return "ok";
  return code === "CERT_HAS_EXPIRED" ? "host" : "expired";
}
