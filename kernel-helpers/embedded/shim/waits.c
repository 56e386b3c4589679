/* select(), poll(), alarm() and sigaction() for the programs, which wait as they would on any system. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "sockets.h"

static int64_t alarm_at; /* 0: none */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned alarm(unsigned seconds)
{
	int64_t now = now_ms();
	unsigned left = alarm_at > now ? (unsigned)((alarm_at - now + 999) / 1000) : 0;
	alarm_at = seconds ? now + (int64_t)seconds * 1000 : 0;
	return left;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	(void)before;
	return action && signal(number, action->sa_handler) == SIG_ERR ? -1 : 0;
}

/* True when the alarm went off: its handler has run. */
static bool alarmed(void)
{
	if(!alarm_at || now_ms() < alarm_at) return false;
	alarm_at = 0;
	raise(SIGALRM);
	return true;
}

/* Waits for a change, for the deadline (-1: none) or for the alarm. */
static void wait_until(int64_t deadline)
{
	int64_t until = alarm_at && (deadline < 0 || alarm_at < deadline) ? alarm_at : deadline;
	int64_t left = until - now_ms();
	host_wait(until < 0 ? -1 : left < 1 ? 1 : left > 60000 ? 60000 : (int)left);
}

/* Keeps in `set` the descriptors that are ready for `events`; returns how many. */
static int keep_ready(fd_set *set, uint32_t events, fd_set *ready)
{
	int count = 0;
	FD_ZERO(ready);
	if(!set) return 0;
	for(size_t i = 0; i < set->__nfds; i++){
		int fd = set->__fds[i];
		struct socket *s = socket_of(fd);
		if(!s || (socket_state(s) & events)){ /* files are always ready */
			FD_SET(fd, ready);
			count++;
		}
	}
	return count;
}

static int select_until(fd_set *readers, fd_set *writers, fd_set *failed, int64_t deadline)
{
	fd_set can_read, can_write;
	if(failed) FD_ZERO(failed);
	host_wait(0); /* what was written goes out and what came is seen, even where nothing has to be waited for */
	for(;;){
		int count = keep_ready(readers, EPOLLIN, &can_read) + keep_ready(writers, EPOLLOUT, &can_write);
		bool late = deadline >= 0 && now_ms() >= deadline;
		if(count || late){
			if(readers) *readers = can_read;
			if(writers) *writers = can_write;
			return count;
		}
		wait_until(deadline);
		if(alarmed()){
			errno = EINTR;
			return -1;
		}
	}
}

int pselect(int n, fd_set *restrict readers, fd_set *restrict writers, fd_set *restrict failed,
		const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	(void)n;
	(void)mask;
	return select_until(readers, writers, failed,
			timeout ? now_ms() + (int64_t)timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000 : -1);
}

int select(int n, fd_set *restrict readers, fd_set *restrict writers, fd_set *restrict failed,
		struct timeval *restrict timeout)
{
	(void)n;
	return select_until(readers, writers, failed,
			timeout ? now_ms() + (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000 : -1);
}

int poll(struct pollfd *list, nfds_t count, int timeout)
{
	int64_t deadline = timeout < 0 ? -1 : now_ms() + timeout;
	host_wait(0);
	for(;;){
		int ready = 0;
		for(nfds_t i = 0; i < count; i++){
			struct socket *s = socket_of(list[i].fd);
			uint32_t state = s ? socket_state(s) : EPOLLIN | EPOLLOUT;
			list[i].revents = (short)(((state & EPOLLIN) ? list[i].events & POLLIN : 0) |
					((state & EPOLLOUT) ? list[i].events & POLLOUT : 0) | ((state & EPOLLERR) ? POLLERR : 0));
			if(list[i].revents) ready++;
		}
		if(ready || (deadline >= 0 && now_ms() >= deadline)) return ready;
		wait_until(deadline);
		if(alarmed()){
			errno = EINTR;
			return -1;
		}
	}
}
