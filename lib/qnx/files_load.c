// SPDX-License-Identifier: MIT
/*
 * The file server's library, which is loaded when the program attaches its first path
 *
 * So programs that serve no files need neither it nor libfuse3.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "files.h"
#include "files_load.h"
#include "fork.h"
#include "verbose.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards loading */
static const struct file_server *server;

/* Beside this library, wherever it is installed; or where the system looks. */
static void *open_library(void)
{
	char path[PATH_MAX];
	const char *slash;
	void *library;
	Dl_info info;

	if (dladdr((void *)open_library, &info) && info.dli_fname &&
	    (slash = strrchr(info.dli_fname, '/'))) {
		int len = snprintf(path, sizeof(path), "%.*s%s", (int)(slash + 1 - info.dli_fname),
				   info.dli_fname, FILE_SERVER_LIBRARY);

		library = len < (int)sizeof(path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
		if (library)
			return library;
	}
	return dlopen(FILE_SERVER_LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

static const struct file_server *load(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	void *library = open_library();
	const struct file_server *loaded;
	file_server_t function;

	if (!library) {
		explain(&said, "files cannot be served: %s; install libstplr-qnx-files", dlerror());
		return NULL;
	}
	function = (file_server_t)dlsym(library, FILE_SERVER_FUNCTION);
	loaded = function ? function(FILE_SERVER_VERSION) : NULL;
	if (loaded)
		return loaded; /* its thread may run: it is never unloaded */
	explain(&said, "files cannot be served: %s is of another version", FILE_SERVER_LIBRARY);
	dlclose(library);
	return NULL;
}

const struct file_server *files_server(void)
{
	const struct file_server *answer;

	pthread_mutex_lock(&lock);
	if (!server) {
		server = load();
		if (server) {
			event_file_ready = server->ready;
			fork_take_part(FORK_FILES, server->lock, server->forget);
			fork_watch();
		}
	}
	answer = server;
	pthread_mutex_unlock(&lock);
	return answer;
}
