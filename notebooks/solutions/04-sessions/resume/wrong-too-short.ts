// expect: remembered for an hour
const resume: LabClientOptions = { clientId: "recorder", clean: false, properties: { sessionExpiryInterval: 60 } };
