/* src/mosquitto.c as it is: its main() becomes a function, and where it enters the main loop it leaves to the loader. */
#define main mosquitto_main
#define mosquitto_main_loop enter_main_loop
#include "mosquitto.c"
#undef main
#undef mosquitto_main_loop

#include <unistd.h>

EXPORT(broker_chdir) int broker_chdir(const char *path)
{
	return chdir(path);
}

/* Returns an exit code, or doesn't return: the broker runs, and main()'s frame stays on the stack with its configuration. */
EXPORT(broker_start) int broker_start(int argc, char **argv)
{
	int rc = mosquitto_main(argc, argv);
	fflush(NULL);
	return rc;
}

/* What main() does after the loop: wills, the last save, the end of every connection. */
EXPORT(broker_finish) void broker_finish(void)
{
	post_shutdown_cleanup();
	fflush(NULL);
}
