/*
 * BSD sockets over buffers that the loader fills and empties. Nothing here waits: a call that would block says EAGAIN,
 * and the loader calls the broker again when there is more.
 */
#define SHIM_SOCKETS_C
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EPOLL_FD 0xFFFF
#define OUT_LIMIT (1 << 18)   /* bytes of one connection that wait for the loader */
#define KEEP_CAPACITY (1 << 18) /* larger buffers are given back when they run empty */

/* All return 0 or a negative errno. Family: 4, 6, or 0 for a path. */
IMPORT(listen) int host_listen(int fd, const char *address, int port, int family);
IMPORT(unlisten) void host_unlisten(int fd);
IMPORT(connect) int host_connect(int fd, const char *host, int port, int family);
IMPORT(flush) void host_flush(int fd);
IMPORT(finish) void host_finish(int fd, const void *last, int count);
IMPORT(close) void host_close(int fd, const void *last, int count);

static struct socket **table;
static int table_size;

struct socket *socket_of(int fd)
{
	int i = fd - SOCKET_BASE;
	return i >= 0 && i < table_size && table[i] && table[i]->kind != SOCKET_FREE ? table[i] : NULL;
}

uint32_t socket_state(const struct socket *s)
{
	uint32_t events = 0;
	if(s->kind == SOCKET_LISTENING) return s->waiting_first ? EPOLLIN : 0;
	if(s->kind != SOCKET_OPEN) return 0;
	if(s->in.length || s->ended || s->error) events |= EPOLLIN;
	/* Linux says "writable" of what can't be written any more; a program that then writes nothing would spin. */
	if((!s->blocked && !s->finished) || s->error) events |= EPOLLOUT;
	if(s->error) events |= EPOLLERR | EPOLLHUP;
	return events;
}

static struct socket *fail(int error)
{
	errno = error;
	return NULL;
}

static struct socket *grown_slot(void)
{
	int size = table_size ? table_size * 2 : 16;
	struct socket **bigger = realloc(table, sizeof(*table) * (size_t)size);
	if(!bigger) return fail(ENOMEM);
	memset(bigger + table_size, 0, sizeof(*table) * (size_t)(size - table_size));
	table = bigger;
	table_size = size;
	return NULL;
}

static struct socket *socket_new(void)
{
	int i = 0;
	while(i < table_size && table[i] && table[i]->kind != SOCKET_FREE) i++;
	if(i == table_size){
		grown_slot();
		if(i == table_size) return NULL;
	}
	if(!table[i]) table[i] = calloc(1, sizeof(struct socket));
	if(!table[i]) return fail(ENOMEM);
	table[i]->fd = SOCKET_BASE + i;
	table[i]->kind = SOCKET_NEW;
	return table[i];
}

static void socket_drop(struct socket *s)
{
	epoll_forget(s);
	free(s->in.bytes);
	free(s->out.bytes);
	memset(s, 0, sizeof(*s));
}

/* Room for `count` more bytes at the end, or NULL. */
static uint8_t *buffer_room(struct buffer *b, size_t count)
{
	if(b->start && b->start + b->length + count > b->capacity){
		memmove(b->bytes, b->bytes + b->start, b->length);
		b->start = 0;
	}
	if(b->length + count > b->capacity){
		size_t capacity = b->capacity ? b->capacity : 1024;
		while(capacity < b->length + count) capacity *= 2;
		uint8_t *bytes = realloc(b->bytes, capacity);
		if(!bytes) return NULL;
		b->bytes = bytes;
		b->capacity = capacity;
	}
	return b->bytes + b->start + b->length;
}

static void buffer_emptied(struct buffer *b)
{
	b->start = b->length = 0;
	if(b->capacity > KEEP_CAPACITY){
		free(b->bytes);
		b->bytes = NULL;
		b->capacity = 0;
	}
}

static int not_a_socket(void)
{
	errno = EBADF;
	return -1;
}

static int negative(int rc)
{
	if(rc >= 0) return 0;
	errno = -rc;
	return -1;
}

/* Text of an address and its port; returns the family as the loader counts it. */
static int address_text(const union address *a, char *text, size_t size, int *port)
{
	*port = 0;
	text[0] = 0;
	if(a->any.sa_family == AF_INET){
		const char *name = name_behind(&a->v4.sin_addr);
		*port = ntohs(a->v4.sin_port);
		if(name) snprintf(text, size, "%s", name);
		else inet_ntop(AF_INET, &a->v4.sin_addr, text, (socklen_t)size);
		return 4;
	}
	if(a->any.sa_family == AF_INET6){
		*port = ntohs(a->v6.sin6_port);
		inet_ntop(AF_INET6, &a->v6.sin6_addr, text, (socklen_t)size);
		return 6;
	}
	snprintf(text, size, "%.*s", (int)sizeof(a->path.sun_path), a->path.sun_path);
	return 0;
}

static void address_copy(union address *to, const struct sockaddr *from, socklen_t size)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, from, size < sizeof(*to) ? size : sizeof(*to));
}

int socket(int family, int type, int protocol)
{
	struct socket *s = socket_new();
	(void)type;
	(void)protocol;
	if(!s) return -1;
	s->local.any.sa_family = (sa_family_t)family;
	return s->fd;
}

int socketpair(int family, int type, int protocol, int ends[2])
{
	(void)family;
	(void)type;
	(void)protocol;
	(void)ends;
	errno = EOPNOTSUPP;
	return -1;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct socket *s = socket_of(fd);
	if(!s) return not_a_socket();
	address_copy(&s->local, address, size);
	return 0;
}

int listen(int fd, int backlog)
{
	struct socket *s = socket_of(fd);
	char text[128];
	int port;
	(void)backlog;
	if(!s) return not_a_socket();
	int family = address_text(&s->local, text, sizeof(text), &port);
	if(negative(host_listen(fd, text, port, family))) return -1;
	s->kind = SOCKET_LISTENING;
	return 0;
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	struct socket *s = socket_of(fd);
	if(!s) return not_a_socket();
	struct socket *first = s->waiting_first;
	if(!first){
		errno = EAGAIN;
		return -1;
	}
	s->waiting_first = first->waiting_next;
	if(!s->waiting_first) s->waiting_last = NULL;
	first->waiting_next = NULL;
	if(address && size) getpeername(first->fd, address, size);
	return first->fd;
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	struct socket *s = socket_of(fd);
	char text[256];
	int port;
	if(!s) return not_a_socket();
	if(s->kind != SOCKET_NEW){
		errno = s->kind == SOCKET_OPEN ? EISCONN : EALREADY;
		return -1;
	}
	address_copy(&s->peer, address, size);
	int family = address_text(&s->peer, text, sizeof(text), &port);
	if(negative(host_connect(fd, text, port, family))) return -1;
	s->kind = SOCKET_CONNECTING;
#ifdef SHIM_WAITS
	while(s->kind == SOCKET_CONNECTING) host_wait(-1);
	errno = s->error;
	return s->error ? -1 : 0;
#else
	errno = EINPROGRESS;
	return -1;
#endif
}

/* Whether bytes can move at all; sets errno where not. */
static bool usable(struct socket *s)
{
	if(s->kind == SOCKET_OPEN) return true;
	errno = s->kind == SOCKET_CONNECTING ? EAGAIN : ENOTCONN;
	return false;
}

ssize_t recv(int fd, void *bytes, size_t count, int flags)
{
	struct socket *s = socket_of(fd);
	(void)flags;
	if(!s) return not_a_socket();
	if(!usable(s)) return -1;
	if(!s->in.length){
		if(s->ended && !s->error) return 0;
		errno = s->error ? s->error : EAGAIN;
		return -1;
	}
	if(count > s->in.length) count = s->in.length;
	memcpy(bytes, s->in.bytes + s->in.start, count);
	s->in.start += count;
	s->in.length -= count;
	if(!s->in.length) buffer_emptied(&s->in);
	return (ssize_t)count;
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
	struct socket *s = socket_of(fd);
	(void)flags;
	if(!s) return not_a_socket();
	if(s->error || s->finished){
		errno = s->error == ECONNRESET ? ECONNRESET : EPIPE;
		return -1;
	}
	if(!usable(s)) return -1;
	if(count > OUT_LIMIT - s->out.length) count = OUT_LIMIT - s->out.length;
	if(s->blocked || !count){
		s->blocked = true;
		errno = EAGAIN;
		return -1;
	}
	uint8_t *room = buffer_room(&s->out, count);
	if(!room){
		errno = ENOMEM;
		return -1;
	}
	memcpy(room, bytes, count);
	if(!s->out.length) host_flush(fd);
	s->out.length += count;
	return (ssize_t)count;
}

ssize_t shim_read(int fd, void *bytes, size_t count)
{
	return fd >= SOCKET_BASE && socket_of(fd) ? recv(fd, bytes, count, 0) : read(fd, bytes, count);
}

ssize_t shim_write(int fd, const void *bytes, size_t count)
{
	return fd >= SOCKET_BASE && socket_of(fd) ? send(fd, bytes, count, 0) : write(fd, bytes, count);
}

int shim_fcntl(int fd, int command, ...)
{
	va_list more;
	va_start(more, command);
	long argument = va_arg(more, long);
	va_end(more);
	return socket_of(fd) ? 0 : fcntl(fd, command, argument);
}

/* Connections that were never accepted end with their listener. */
static void stop_listening(struct socket *s)
{
	host_unlisten(s->fd);
	while(s->waiting_first){
		struct socket *one = s->waiting_first;
		s->waiting_first = one->waiting_next;
		host_close(one->fd, NULL, 0);
		socket_drop(one);
	}
}

int shim_close(int fd)
{
	if(fd == EPOLL_FD) return 0;
	struct socket *s = socket_of(fd);
	if(!s) return fd >= SOCKET_BASE ? not_a_socket() : close(fd);
	if(s->kind == SOCKET_LISTENING) stop_listening(s);
	else if(s->kind != SOCKET_NEW) host_close(fd, s->out.bytes + s->out.start, (int)s->out.length);
	socket_drop(s);
	return 0;
}

/* Only the sending half: nobody shuts down the other. */
int shutdown(int fd, int how)
{
	struct socket *s = socket_of(fd);
	if(!s) return not_a_socket();
	if(how == SHUT_RD || s->finished || !usable(s)) return 0;
	host_finish(fd, s->out.bytes + s->out.start, (int)s->out.length);
	buffer_emptied(&s->out);
	s->finished = true;
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	(void)level;
	(void)option;
	(void)value;
	(void)size;
	return socket_of(fd) ? 0 : not_a_socket();
}

int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict size)
{
	struct socket *s = socket_of(fd);
	(void)size;
	if(!s) return not_a_socket();
	*(int *)value = level == SOL_SOCKET && option == SO_ERROR ? s->error : 0;
	return 0;
}

static int copy_name(const union address *a, struct sockaddr *to, socklen_t *size)
{
	socklen_t own = a->any.sa_family == AF_INET    ? sizeof(a->v4)
	                : a->any.sa_family == AF_INET6 ? sizeof(a->v6)
	                : a->any.sa_family == AF_UNIX  ? sizeof(a->path)
	                                               : 0;
	if(!own){
		errno = ENOTCONN;
		return -1;
	}
	memcpy(to, a, *size < own ? *size : own);
	*size = own;
	return 0;
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	struct socket *s = socket_of(fd);
	return s ? copy_name(&s->peer, address, size) : not_a_socket();
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	struct socket *s = socket_of(fd);
	return s ? copy_name(&s->local, address, size) : not_a_socket();
}

/* ---- What the loader calls. ---- */

/* A client connected to a listener: its new descriptor, or -1. */
EXPORT(socket_incoming) int socket_incoming(int listener, const char *ip, int port)
{
	struct socket *l = socket_of(listener);
	if(!l || l->kind != SOCKET_LISTENING) return -1;
	struct socket *s = socket_new();
	if(!s) return -1;
	s->kind = SOCKET_OPEN;
	s->local = l->local;
	if(inet_pton(AF_INET, ip, &s->peer.v4.sin_addr) == 1){
		s->peer.v4.sin_family = AF_INET;
		s->peer.v4.sin_port = htons((uint16_t)port);
	}else if(inet_pton(AF_INET6, ip, &s->peer.v6.sin6_addr) == 1){
		s->peer.v6.sin6_family = AF_INET6;
		s->peer.v6.sin6_port = htons((uint16_t)port);
	}else{
		s->peer.path.sun_family = AF_UNIX;
	}
	if(l->waiting_last) l->waiting_last->waiting_next = s;
	else l->waiting_first = s;
	l->waiting_last = s;
	epoll_note(l);
	return s->fd;
}

/* Where the loader may put `count` received bytes; NULL: no such connection, or no memory. */
EXPORT(socket_reserve) uint8_t *socket_reserve(int fd, int count)
{
	struct socket *s = socket_of(fd);
	return s && count > 0 ? buffer_room(&s->in, (size_t)count) : NULL;
}

/* They are there. Returns how many wait to be read. */
EXPORT(socket_received) int socket_received(int fd, int count)
{
	struct socket *s = socket_of(fd);
	if(!s) return 0;
	s->in.length += (size_t)count;
	epoll_note(s);
	return (int)s->in.length;
}

EXPORT(socket_unread) int socket_unread(int fd)
{
	struct socket *s = socket_of(fd);
	return s ? (int)s->in.length : 0;
}

EXPORT(socket_connected) void socket_connected(int fd)
{
	struct socket *s = socket_of(fd);
	if(!s) return;
	s->kind = SOCKET_OPEN;
	epoll_note(s);
}

/* The peer sends no more (error 0), or the connection broke. */
EXPORT(socket_ended) void socket_ended(int fd, int error)
{
	struct socket *s = socket_of(fd);
	if(!s) return;
	if(error) s->error = error;
	else s->ended = true;
	s->kind = SOCKET_OPEN;
	epoll_note(s);
}

EXPORT(socket_output) uint8_t *socket_output(int fd)
{
	struct socket *s = socket_of(fd);
	return s ? s->out.bytes + s->out.start : NULL;
}

EXPORT(socket_output_length) int socket_output_length(int fd)
{
	struct socket *s = socket_of(fd);
	return s ? (int)s->out.length : 0;
}

/* The loader took all of the output, and can (not) take more. */
EXPORT(socket_sent) void socket_sent(int fd, int blocked)
{
	struct socket *s = socket_of(fd);
	if(!s) return;
	buffer_emptied(&s->out);
	s->blocked = blocked != 0;
	if(!blocked) epoll_note(s);
}
