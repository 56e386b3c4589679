// expect: what is wrong is: host
async function whyNot(url: string, root: string): Promise<string> {
  return (await attempt(url, { ca: root })) === "connected" ? "ok" : "authority";
}
