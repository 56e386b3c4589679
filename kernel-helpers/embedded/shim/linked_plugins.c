/* dlopen() for the plugins that are linked in: found by their file's name, wherever the configuration says they are. */
#include <dlfcn.h>
#include <string.h>

struct symbol {
	const char *name;
	void (*function)(void);
};

struct plugin {
	const char *file;
	const struct symbol *symbols;
};

#ifdef WITH_LINKED_DYNSEC
void dynsec_plugin_version(void);
void dynsec_plugin_init(void);
void dynsec_plugin_cleanup(void);

static const struct symbol dynamic_security[] = {
	{"mosquitto_plugin_version", dynsec_plugin_version},
	{"mosquitto_plugin_init", dynsec_plugin_init},
	{"mosquitto_plugin_cleanup", dynsec_plugin_cleanup},
	{NULL, NULL},
};
#endif

static const struct plugin plugins[] = {
#ifdef WITH_LINKED_DYNSEC
	{"mosquitto_dynamic_security.so", dynamic_security},
#endif
	{NULL, NULL},
};

void *dlopen(const char *path, int mode)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	(void)mode;
	for(const struct plugin *p = plugins; p->file; p++){
		if(!strcmp(p->file, file)) return (void *)p;
	}
	return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	for(const struct symbol *s = ((const struct plugin *)handle)->symbols; s->name; s++){
		if(!strcmp(s->name, name)) return (void *)s->function;
	}
	return NULL;
}

int dlclose(void *handle)
{
	(void)handle;
	return 0;
}

char *dlerror(void)
{
	return "the embedded broker has no native plugins but dynamic security";
}
