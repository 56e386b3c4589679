// expect: no listener on port 1884
const guarded = { url: "mqtt://127.0.0.1:1884", listeners: { 1883: {}, 1884: {} }, started: true } as unknown as BrokerSpec;
