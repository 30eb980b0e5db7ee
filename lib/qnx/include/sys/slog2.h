/* SPDX-License-Identifier: MIT */
/* The system logger's second interface (QNX <sys/slog2.h>): here syslog(3) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_SLOG2_H
#define __STPLR_QNX_SYS_SLOG2_H

#include <features.h>
#include <stdarg.h>
#include <stdint.h>

__BEGIN_DECLS

#define SLOG2_SHUTDOWN 0
#define SLOG2_CRITICAL 1
#define SLOG2_ERROR 2
#define SLOG2_WARNING 3
#define SLOG2_NOTICE 4
#define SLOG2_INFO 5
#define SLOG2_DEBUG1 6
#define SLOG2_DEBUG2 7

#define SLOG2_MAX_BUFFERS 4

/* Flags of slog2_register(): they are taken and change nothing. */
#define SLOG2_ALLOC_TYPE_SHMEM 0x0001
#define SLOG2_DISCARD_NEWLINE 0x0002
#define SLOG2_TRY_REUSE_BUFFER_SET 0x0004

typedef struct _slog2_buffer *slog2_buffer_t;

typedef struct {
	const char *buffer_name;
	int num_pages;
} slog2_buffer_config_t;

typedef struct {
	int num_buffers;
	const char *buffer_set_name;
	uint8_t verbosity_level; /* what is less severe is not logged */
	slog2_buffer_config_t buffer_config[SLOG2_MAX_BUFFERS];
	uint32_t max_retries;
} slog2_buffer_set_config_t;

/* Once a process, until slog2_reset(). */
extern int slog2_register(const slog2_buffer_set_config_t *__config, slog2_buffer_t *__handles,
			  uint32_t __flags);
extern int slog2_reset(void);
/* The buffer that NULL stands for; what was so before. */
extern slog2_buffer_t slog2_set_default_buffer(slog2_buffer_t __buffer);
extern int slog2_set_verbosity(slog2_buffer_t __buffer, uint8_t __verbosity);
extern uint8_t slog2_get_verbosity(slog2_buffer_t __buffer);

/* A line: the sets' and buffers' names, the code, the text. */
extern int slog2c(slog2_buffer_t __buffer, uint16_t __code, uint8_t __severity, const char *__text);
extern int slog2f(slog2_buffer_t __buffer, uint16_t __code, uint8_t __severity,
		  const char *__format, ...) __attribute__((__format__(__printf__, 4, 5)));
extern int vslog2f(slog2_buffer_t __buffer, uint16_t __code, uint8_t __severity,
		   const char *__format, va_list __arguments)
	__attribute__((__format__(__printf__, 4, 0)));

__END_DECLS
#endif
