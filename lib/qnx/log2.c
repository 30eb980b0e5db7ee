// SPDX-License-Identifier: MIT
/* slog2's buffers: names, and from which severity on there is a line in the system's log */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/slog2.h>
#include <syslog.h>

#include "log.h"
#include "result.h"

struct _slog2_buffer {
	char name[32];
	_Atomic uint8_t verbosity;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards registering */
static char set_name[32];
static struct _slog2_buffer buffers[SLOG2_MAX_BUFFERS];
static _Atomic int nr_buffers;
static _Atomic(slog2_buffer_t) default_buffer;

int slog2_register(const slog2_buffer_set_config_t *config, slog2_buffer_t *handles, uint32_t flags)
{
	int i, ret = 0;

	(void)flags;
	if (!config || !handles || config->num_buffers < 1 ||
	    config->num_buffers > SLOG2_MAX_BUFFERS || !config->buffer_set_name)
		return outcome(-EINVAL);
	pthread_mutex_lock(&lock);
	if (nr_buffers)
		ret = -EEXIST;
	for (i = 0; !ret && i < config->num_buffers; i++) {
		const char *name = config->buffer_config[i].buffer_name;

		strlcpy(buffers[i].name, name ? name : "", sizeof(buffers[i].name));
		buffers[i].verbosity = config->verbosity_level;
		handles[i] = &buffers[i];
	}
	if (!ret) {
		strlcpy(set_name, config->buffer_set_name, sizeof(set_name));
		nr_buffers = config->num_buffers;
	}
	pthread_mutex_unlock(&lock);
	return outcome(ret);
}

int slog2_reset(void)
{
	pthread_mutex_lock(&lock);
	nr_buffers = 0;
	default_buffer = NULL;
	pthread_mutex_unlock(&lock);
	return 0;
}

slog2_buffer_t slog2_set_default_buffer(slog2_buffer_t buffer)
{
	return atomic_exchange(&default_buffer, buffer);
}

/* The buffer that is meant, or why there is none. */
static int find(slog2_buffer_t *buffer)
{
	if (!nr_buffers)
		return -EPERM;
	if (!*buffer)
		*buffer = default_buffer;
	return *buffer ? 0 : -EFAULT;
}

int slog2_set_verbosity(slog2_buffer_t buffer, uint8_t verbosity)
{
	int ret = find(&buffer);

	if (!ret && verbosity > SLOG2_DEBUG2)
		ret = -EINVAL;
	if (!ret)
		buffer->verbosity = verbosity;
	return outcome(ret);
}

uint8_t slog2_get_verbosity(slog2_buffer_t buffer)
{
	return find(&buffer) ? SLOG2_DEBUG2 : buffer->verbosity;
}

int slog2c(slog2_buffer_t buffer, uint16_t code, uint8_t severity, const char *text)
{
	int ret = find(&buffer);

	if (!ret && (!text || severity > SLOG2_DEBUG2))
		ret = -EINVAL;
	if (!ret && severity <= buffer->verbosity)
		syslog(syslog_level(severity), "%s.%s %u %s", set_name, buffer->name, code, text);
	return outcome(ret);
}

int vslog2f(slog2_buffer_t buffer, uint16_t code, uint8_t severity, const char *format,
	    va_list arguments)
{
	char *text;
	int ret;

	if (vasprintf(&text, format, arguments) < 0)
		return outcome(-EINVAL);
	ret = slog2c(buffer, code, severity, text);
	free(text);
	return ret;
}

int slog2f(slog2_buffer_t buffer, uint16_t code, uint8_t severity, const char *format, ...)
{
	va_list arguments;
	int ret;

	va_start(arguments, format);
	ret = vslog2f(buffer, code, severity, format, arguments);
	va_end(arguments);
	return ret;
}
