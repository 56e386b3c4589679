/* The socket table: shared by the socket calls, epoll and select. */
#ifndef SHIM_SOCKETS_H
#define SHIM_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The first descriptor of a socket: out of the way of wasi-libc's files, and below FD_SETSIZE where select() is used. */
#ifndef SOCKET_BASE
#define SOCKET_BASE 0x10000
#endif

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

struct buffer {
	uint8_t *bytes;
	size_t capacity, start, length;
};

enum socket_kind { SOCKET_FREE, SOCKET_NEW, SOCKET_LISTENING, SOCKET_CONNECTING, SOCKET_OPEN };

struct socket {
	int fd;
	enum socket_kind kind;
	union address local, peer;
	struct buffer in, out;
	int error;    /* the connection failed with this errno */
	bool ended;   /* the peer will send no more */
	bool blocked; /* the host takes no more for now */
	bool finished; /* this side will send no more */

	struct socket *waiting_first, *waiting_last, *waiting_next; /* connections that nobody accepted yet */

	uint32_t interest; /* epoll's mask, 0 = not watched */
	void *watcher;
	bool queued;
	struct socket *ready_before, *ready_after;
};

struct socket *socket_of(int fd);
/* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as they hold now. */
uint32_t socket_state(const struct socket *s);

/*
 * Programs only (SHIM_WAITS): blocks until something came in or `ms` milliseconds have passed (-1: no limit). The broker
 * has no such call, it returns to the loader instead.
 */
IMPORT(wait) void host_wait(int ms);

/* epoll.c: something about this socket changed; this socket goes away. */
void epoll_note(struct socket *s);
void epoll_forget(struct socket *s);
bool epoll_any_ready(void);

/* names.c: the host name behind a stand-in address, or NULL. */
const char *name_behind(const struct in_addr *address);

#endif
