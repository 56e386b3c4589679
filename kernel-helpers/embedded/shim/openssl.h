/* Read before every file of OpenSSL's: calls that wasi-libc leaves out of its headers. */
#ifndef SHIM_OPENSSL_H
#define SHIM_OPENSSL_H

#include <arpa/inet.h>
#include <sys/socket.h>

char *inet_ntoa(struct in_addr address);

#endif
