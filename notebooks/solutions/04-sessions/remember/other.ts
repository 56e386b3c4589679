// How a session begins says nothing about how long it lives.
function rememberFor(seconds: number): LabClientOptions {
  return { clean: true, protocolVersion: 5, properties: { sessionExpiryInterval: Math.round(seconds) } };
}
