const sensors = {
  conf: [
    "per_listener_settings true",
    "listener 8883",
    "cafile /mosquitto/config/ca.crt",
    "certfile /mosquitto/config/server.crt",
    "keyfile /mosquitto/config/server.key",
    "tls_version tlsv1.2",
    "require_certificate true",
    "use_identity_as_username true",
    "allow_anonymous false",
    "acl_file /mosquitto/config/acl",
  ].join("\n"),
  acl: "pattern write dev/%u/#\npattern read dev/%u/#\n",
};
