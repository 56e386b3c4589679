const rememberFor = (seconds: number): LabClientOptions => ({
  clean: false,
  properties: { sessionExpiryInterval: seconds },
});
