const resume: LabClientOptions = {
  clientId: "recorder",
  clean: false,
  properties: { sessionExpiryInterval: 3_600 },
};
