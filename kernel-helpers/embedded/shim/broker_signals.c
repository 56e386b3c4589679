/* src/signals.c as it is; the loader says which signal came. */
#include "signals.c"

#include <stdio.h>

/* 1 HUP reload, 2 INT and 15 TERM stop, 10 USR1 save, 12 USR2 print the tree, 34 RTMIN reopen the logs. */
EXPORT(broker_signal) void broker_signal(int number)
{
	handle_signal(number == 1    ? SIGHUP
	              : number == 10 ? SIGUSR1
	              : number == 12 ? SIGUSR2
	              : number == 34 ? SIGRTMIN
	              : number == 2  ? SIGINT
	                             : SIGTERM);
}

/* The tree is printed to stdout, which is buffered. */
EXPORT(broker_flush) void broker_flush(void)
{
	fflush(stdout);
}
