// expect: what is wrong is: expired
async function whyNot(url: string, root: string): Promise<string> {
  return (await attempt(url, { ca: root, rejectUnauthorized: false })) === "connected" ? "ok" : "authority";
}
