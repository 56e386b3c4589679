// expect: what is wrong is: authority
async function whyNot(url: string, root: string): Promise<string> {
  const code = await attempt(url, { ca: root });
  return code === "connected" ? "ok" : code;
}
