/* lib/net_ws.c as it is: it insists on TLS, but all it needs of it is SHA-1 and base64. */
#include "config.h"
#include <errno.h>
#include "mosquitto_internal.h"
#include "mosquitto/mqtt_protocol.h"
#include "net_mosq.h"
#include "packet_mosq.h"
#include "util_mosq.h"
#include "crypto.h"
#define WITH_TLS
#include "lib/net_ws.c"
