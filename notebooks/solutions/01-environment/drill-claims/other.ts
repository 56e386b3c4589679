const claims = {
  cause: "location",
  evidence: older.logs.lines.find((line) => line.text.includes("database"))?.text ?? "",
  repaired: {
    volume: "repaired",
    conf: `
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
`,
  },
};
