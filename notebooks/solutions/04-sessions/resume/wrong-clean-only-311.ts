// expect: Session Present at the second connection
const resume: LabClientOptions = { clientId: "recorder", protocolVersion: 4, clean: true };
