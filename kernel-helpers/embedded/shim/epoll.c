/* epoll over the socket table: level-triggered, one instance, never waits. */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "sockets.h"

#define EPOLL_FD 0xFFFF

/* Sockets about which something may be reported; what no longer holds is dropped when the queue is read. */
static struct socket *first, *last;

static void enqueue(struct socket *s)
{
	s->queued = true;
	s->ready_after = NULL;
	s->ready_before = last;
	if(last) last->ready_after = s;
	else first = s;
	last = s;
}

static void dequeue(struct socket *s)
{
	if(s->ready_before) s->ready_before->ready_after = s->ready_after;
	else first = s->ready_after;
	if(s->ready_after) s->ready_after->ready_before = s->ready_before;
	else last = s->ready_before;
	s->queued = false;
	s->ready_before = s->ready_after = NULL;
}

void epoll_note(struct socket *s)
{
	if(s->interest && !s->queued && (socket_state(s) & s->interest)) enqueue(s);
}

void epoll_forget(struct socket *s)
{
	if(s->queued) dequeue(s);
	s->interest = 0;
}

bool epoll_any_ready(void)
{
	while(first && !(socket_state(first) & first->interest)) dequeue(first);
	return first != NULL;
}

int epoll_create(int size)
{
	(void)size;
	return EPOLL_FD;
}

int epoll_ctl(int instance, int operation, int fd, struct epoll_event *event)
{
	struct socket *s = socket_of(fd);
	(void)instance;
	if(!s){
		errno = EBADF;
		return -1;
	}
	if(operation == EPOLL_CTL_ADD ? s->interest != 0 : s->interest == 0){
		errno = s->interest ? EEXIST : ENOENT;
		return -1;
	}
	if(operation == EPOLL_CTL_DEL){
		epoll_forget(s);
		return 0;
	}
	s->interest = event->events | EPOLLERR | EPOLLHUP;
	s->watcher = event->data.ptr;
	epoll_note(s);
	return 0;
}

/* Reports the queue's connections, or its listeners. */
static int report(struct epoll_event *out, int count, int max, bool listeners)
{
	struct socket *next;
	for(struct socket *s = first; s && count < max; s = next){
		next = s->ready_after;
		uint32_t events = socket_state(s) & s->interest;
		if(!events) dequeue(s);
		else if((s->kind == SOCKET_LISTENING) == listeners){
			out[count].events = events;
			out[count].data.ptr = s->watcher;
			count++;
		}
	}
	return count;
}

int epoll_wait(int instance, struct epoll_event *out, int max, int timeout)
{
	(void)instance;
	(void)timeout;
	/* Connections first: those that ended are gone before a new one is counted against max_connections. */
	int count = report(out, 0, max, false);
	count = report(out, count, max, true);
	/* More sockets than `max` are ready: the next call begins with the others. */
	if(count == max && first != last){
		struct socket *s = first;
		dequeue(s);
		enqueue(s);
	}
	return count;
}
