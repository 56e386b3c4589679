// expect: Session Present at the second connection
const resume: LabClientOptions = { clientId: "recorder", clean: false };
