/*
 * `mosquitto_pub -l` reads lines in one thread and lets libmosquitto work in another. There are no threads here:
 * libmosquitto gets its turns while the program sleeps and while it waits for the "thread" to end.
 */
#include "mosquitto.h"

#include <time.h>

static struct mosquitto *running;

int mosquitto_loop_start(struct mosquitto *client)
{
	running = client;
	return MOSQ_ERR_SUCCESS;
}

int mosquitto_loop_stop(struct mosquitto *client, bool force)
{
	while(!force && running && mosquitto_loop(client, 100, 1) == MOSQ_ERR_SUCCESS){
	}
	running = NULL;
	return MOSQ_ERR_SUCCESS;
}

int mosquitto_threaded_set(struct mosquitto *client, bool threaded)
{
	(void)client;
	(void)threaded;
	return MOSQ_ERR_SUCCESS;
}

/* Takes the place of nanosleep() in the program. */
int work_instead_of_sleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	if(running) mosquitto_loop(running, (int)(time->tv_sec * 1000 + time->tv_nsec / 1000000), 1);
	return 0;
}
