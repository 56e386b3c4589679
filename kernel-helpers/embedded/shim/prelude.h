/* Read before every file of Mosquitto's: what wasi-libc leaves out of its headers, and the calls that go to the shim. */
#ifndef SHIM_PRELUDE_H
#define SHIM_PRELUDE_H

#define _WASI_EMULATED_SIGNAL
#define _WASI_EMULATED_GETPID

/* Functions that the loader supplies, and functions that it calls. */
#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* wasi-libc defines these itself, for preopened sockets only: a second definition would clash at link time. */
#define accept shim_accept
#define send shim_send
#define recv shim_recv
#define shutdown shim_shutdown
#define getsockopt shim_getsockopt
#define poll shim_poll
#define select shim_select
#define pselect shim_pselect
#define dlopen shim_dlopen
#define dlsym shim_dlsym
#define dlclose shim_dlclose
#define dlerror shim_dlerror

/* Sockets have descriptors of their own; sockets.c passes the rest on. SHIM_FILES: this file means wasi-libc's own. */
#ifndef SHIM_FILES
#define read shim_read
#define write shim_write
#define close shim_close
#define fcntl shim_fcntl
#endif

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifndef SIGRTMIN
#define SIGRTMIN 34
#endif

/* wasi-libc has signal() and raise() only. */
struct sigaction {
	void (*sa_handler)(int);
	sigset_t sa_mask;
	int sa_flags;
};
int sigaction(int number, const struct sigaction *action, struct sigaction *before);
#define sigemptyset(set) ((void)(set), 0)

mode_t umask(mode_t mask);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int setuid(uid_t uid);
int setgid(gid_t gid);
int initgroups(const char *user, gid_t group);
int chown(const char *path, uid_t uid, gid_t gid);
int gethostname(char *name, size_t size);
pid_t fork(void);
pid_t setsid(void);
int dup(int fd);
int dup2(int from, int to);
int pipe(int ends[2]);
int mkstemp(char *template);
unsigned alarm(unsigned seconds);

#endif
