#!/bin/sh
# The official image's contract: as root, /mosquitto/data is given to Mosquitto's user; then the command itself runs,
# as process 1, so that signals reach it.
set -e
if [ "$(id -u)" = 0 ] && [ -d /mosquitto/data ]; then
  chown -R mosquitto:mosquitto /mosquitto/data /mosquitto/log
fi
exec "$@"
