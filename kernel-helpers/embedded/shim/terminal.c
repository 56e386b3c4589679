/* What the programs need of a terminal: to ask for a password without showing it. Temporary files, the folder they start in. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

IMPORT(echo) void host_echo(int on);

int tcgetattr(int fd, struct termios *mode)
{
	(void)fd;
	memset(mode, 0, sizeof(*mode));
	mode->c_lflag = ECHO;
	return 0;
}

int tcsetattr(int fd, int when, const struct termios *mode)
{
	(void)fd;
	(void)when;
	host_echo((mode->c_lflag & ECHO) != 0);
	return 0;
}

/* wasi-libc starts every program in "/"; the loader says where in PWD, as shells do. */
__attribute__((constructor)) static void enter_folder(void)
{
	const char *folder = getenv("PWD");
	if(folder) chdir(folder);
}

int mkstemp(char *template)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	size_t length = strlen(template);
	unsigned char random[6];
	if(length < sizeof(random)){
		errno = EINVAL;
		return -1;
	}
	for(int attempt = 0; attempt < 100; attempt++){
		if(getentropy(random, sizeof(random))) return -1;
		for(size_t i = 0; i < sizeof(random); i++) template[length - sizeof(random) + i] = letters[random[i] % 32];
		int fd = open(template, O_RDWR | O_CREAT | O_EXCL, 0600);
		if(fd >= 0 || errno != EEXIST) return fd;
	}
	return -1;
}
