// expect: what it missed
const resume: LabClientOptions = { clientId: "recorder", properties: { sessionExpiryInterval: 3_600 } };
