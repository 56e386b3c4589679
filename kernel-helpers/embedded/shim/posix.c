/* Users, groups and processes, of which a WebAssembly module has none. Files belong to Mosquitto's own user. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MOSQUITTO_ID 1883 /* as in the official image */

static struct passwd mosquitto = {
	.pw_name = "mosquitto",
	.pw_passwd = "x",
	.pw_uid = MOSQUITTO_ID,
	.pw_gid = MOSQUITTO_ID,
	.pw_gecos = "",
	.pw_dir = "/",
	.pw_shell = "/sbin/nologin",
};

uid_t getuid(void) { return MOSQUITTO_ID; }
uid_t geteuid(void) { return MOSQUITTO_ID; }
gid_t getgid(void) { return MOSQUITTO_ID; }
gid_t getegid(void) { return MOSQUITTO_ID; }

int setuid(uid_t uid) { (void)uid; return 0; }
int setgid(gid_t gid) { (void)gid; return 0; }
int initgroups(const char *user, gid_t group) { (void)user; (void)group; return 0; }
int chown(const char *path, uid_t uid, gid_t gid) { (void)path; (void)uid; (void)gid; return 0; }

struct passwd *getpwuid(uid_t uid) { return uid == MOSQUITTO_ID ? &mosquitto : NULL; }
struct passwd *getpwnam(const char *name) { return strcmp(name, mosquitto.pw_name) ? NULL : &mosquitto; }

/* Used only to warn that a file's owner isn't the broker's user: owners aren't known here, so nobody is found. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
	(void)uid; (void)entry; (void)buffer; (void)size;
	*result = NULL;
	return ENOENT;
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **result)
{
	(void)gid; (void)entry; (void)buffer; (void)size;
	*result = NULL;
	return ENOENT;
}

mode_t umask(mode_t mask)
{
	static mode_t current = 022;
	mode_t before = current;
	current = mask & 0777;
	return before;
}

pid_t fork(void) { errno = ENOSYS; return -1; }
pid_t setsid(void) { errno = ENOSYS; return -1; }

void openlog(const char *ident, int option, int facility) { (void)ident; (void)option; (void)facility; }
void closelog(void) {}
void syslog(int priority, const char *format, ...) { (void)priority; (void)format; }
