/* wasi-libc's header with the calls and constants that it hides; sockets.c defines them. */
#ifndef SHIM_SYS_SOCKET_H
#define SHIM_SYS_SOCKET_H

#include_next <sys/socket.h>

#ifndef SOMAXCONN
#define SOMAXCONN 128
#endif
#ifndef SO_REUSEADDR
#define SO_REUSEADDR 2
#endif
#ifndef SO_ERROR
#define SO_ERROR 4
#endif
#ifndef SO_KEEPALIVE
#define SO_KEEPALIVE 9
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0x4000
#endif

int socket(int family, int type, int protocol);
int socketpair(int family, int type, int protocol, int ends[2]);
int bind(int fd, const struct sockaddr *address, socklen_t size);
int listen(int fd, int backlog);
int connect(int fd, const struct sockaddr *address, socklen_t size);
int accept(int fd, struct sockaddr *__restrict address, socklen_t *__restrict size);
int getpeername(int fd, struct sockaddr *__restrict address, socklen_t *__restrict size);
int getsockname(int fd, struct sockaddr *__restrict address, socklen_t *__restrict size);
ssize_t send(int fd, const void *bytes, size_t count, int flags);
ssize_t recv(int fd, void *bytes, size_t count, int flags);
int shutdown(int fd, int how);
int getsockopt(int fd, int level, int option, void *__restrict value, socklen_t *__restrict size);
int setsockopt(int fd, int level, int option, const void *value, socklen_t size);

#endif
