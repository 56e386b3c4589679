/*
 * Host names. The loader resolves them when it connects, so getaddrinfo() answers at once with a stand-in from
 * 240.0.0.0/8, a range that no host has, and connect() hands the name to the loader.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sockets.h"

#define STAND_IN 0xF0000000u
#define NAME_SIZE 256
#define NAME_LIMIT 1024

IMPORT(hostname) void host_hostname(char *name, int size);

static char *names[NAME_LIMIT];
static unsigned name_count;

const char *name_behind(const struct in_addr *address)
{
	uint32_t n = ntohl(address->s_addr) - STAND_IN;
	return n < name_count ? names[n] : NULL;
}

/* The stand-in of a name in network order, or 0 when there are too many. */
static in_addr_t stand_in(const char *name)
{
	unsigned i = 0;
	while(i < name_count && strcasecmp(names[i], name)) i++;
	if(i == name_count){
		if(i == NAME_LIMIT || strlen(name) >= NAME_SIZE || !(names[i] = strdup(name))) return 0;
		name_count++;
	}
	return htonl(STAND_IN + i);
}

struct answer {
	struct addrinfo info;
	union address address;
};

static struct addrinfo *answer_new(int family, int port)
{
	struct answer *a = calloc(1, sizeof(*a));
	if(!a) return NULL;
	a->info.ai_family = family;
	a->info.ai_socktype = SOCK_STREAM;
	a->info.ai_protocol = IPPROTO_TCP;
	a->info.ai_addr = &a->address.any;
	a->address.any.sa_family = (sa_family_t)family;
	if(family == AF_INET){
		a->info.ai_addrlen = sizeof(a->address.v4);
		a->address.v4.sin_port = htons((uint16_t)port);
	}else{
		a->info.ai_addrlen = sizeof(a->address.v6);
		a->address.v6.sin6_port = htons((uint16_t)port);
	}
	return &a->info;
}

/* The wildcard (host NULL) or the loopback address of the families that are asked for, IPv4 first. */
static struct addrinfo *both_families(int family, int port, bool loopback)
{
	struct addrinfo *v4 = NULL, *v6 = NULL;
	if(family != AF_INET6 && (v4 = answer_new(AF_INET, port)) && loopback){
		((struct sockaddr_in *)v4->ai_addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	if(family != AF_INET && (v6 = answer_new(AF_INET6, port)) && loopback){
		((struct sockaddr_in6 *)v6->ai_addr)->sin6_addr = in6addr_loopback;
	}
	if(!v4) return v6;
	v4->ai_next = v6;
	return v4;
}

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hint,
		struct addrinfo **restrict result)
{
	int family = hint ? hint->ai_family : AF_UNSPEC;
	bool passive = hint && (hint->ai_flags & AI_PASSIVE);
	int port = service ? atoi(service) : 0;
	struct in_addr v4;
	struct in6_addr v6;

	if(!host){
		*result = both_families(family, port, false);
	}else if(inet_pton(AF_INET, host, &v4) == 1){
		if(family == AF_INET6) return EAI_NONAME;
		*result = answer_new(AF_INET, port);
		if(*result) ((struct sockaddr_in *)(*result)->ai_addr)->sin_addr = v4;
	}else if(inet_pton(AF_INET6, host, &v6) == 1){
		if(family == AF_INET) return EAI_NONAME;
		*result = answer_new(AF_INET6, port);
		if(*result) ((struct sockaddr_in6 *)(*result)->ai_addr)->sin6_addr = v6;
	}else if(!strcasecmp(host, "localhost")){
		*result = both_families(passive ? family : AF_INET, port, true);
	}else{
		if(passive) return EAI_NONAME; /* a listener needs an address */
		v4.s_addr = stand_in(host);
		if(!v4.s_addr) return EAI_MEMORY;
		*result = answer_new(AF_INET, port);
		if(*result) ((struct sockaddr_in *)(*result)->ai_addr)->sin_addr = v4;
	}
	return *result ? 0 : EAI_MEMORY;
}

void freeaddrinfo(struct addrinfo *a)
{
	while(a){
		struct addrinfo *next = a->ai_next;
		free(a);
		a = next;
	}
}

const char *gai_strerror(int error)
{
	return error == EAI_MEMORY ? "Out of memory" : "Name does not resolve";
}

int getifaddrs(struct ifaddrs **list)
{
	*list = NULL;
	errno = ENOSYS;
	return -1;
}

void freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

int gethostname(char *name, size_t size)
{
	host_hostname(name, (int)size);
	return 0;
}
