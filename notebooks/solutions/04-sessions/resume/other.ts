// In MQTT 3.1.1 one flag means both: a session that begins with what is there, and has no end.
const resume: LabClientOptions = { protocolVersion: 4, clientId: "plant-7/recorder", clean: false };
