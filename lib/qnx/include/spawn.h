/* SPDX-License-Identifier: MIT */
/* The system's <spawn.h>, and QNX's calls that start a program: posix_spawn(3) does it. */
#pragma GCC system_header
#include_next <spawn.h>

#ifndef __STPLR_QNX_SPAWN_H
#define __STPLR_QNX_SPAWN_H
#include <features.h>
#include <sys/types.h>

/* How, and what the caller does meanwhile. */
#define P_WAIT 0    /* waits for its end: its status, as waitpid(2) tells it */
#define P_NOWAIT 1  /* its id */
#define P_OVERLAY 2 /* as exec(3): comes back only if that fails */
#define P_NOWAITO 3 /* its id; nobody can wait for it */

__BEGIN_DECLS
extern int spawnl(int __mode, const char *__path, const char *__arg0, ...)
	__attribute__((__sentinel__));
/* After the NULL comes the environment. */
extern int spawnle(int __mode, const char *__path, const char *__arg0, ...);
extern int spawnlp(int __mode, const char *__file, const char *__arg0, ...)
	__attribute__((__sentinel__));
extern int spawnlpe(int __mode, const char *__file, const char *__arg0, ...);
extern int spawnv(int __mode, const char *__path, char *const __argv[]);
extern int spawnve(int __mode, const char *__path, char *const __argv[], char *const __envp[]);
extern int spawnvp(int __mode, const char *__file, char *const __argv[]);
extern int spawnvpe(int __mode, const char *__file, char *const __argv[], char *const __envp[]);
__END_DECLS
#endif
