// SPDX-License-Identifier: MIT
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "service.h"

void *needed(void *memory)
{
	if (!memory)
		errx(1, "out of memory");
	return memory;
}

void need(dbus_bool_t success)
{
	if (!success)
		errx(1, "out of memory");
}

DBusMessage *answer_with(DBusMessage *call, int first_type, ...)
{
	DBusMessage *answer = needed(dbus_message_new_method_return(call));
	va_list list;

	va_start(list, first_type);
	need(dbus_message_append_args_valist(answer, first_type, list));
	va_end(list);
	return answer;
}

/* Introspection: what busctl(1) and other browsers show. */

static void describe_arguments(FILE *text, const char *signature, const char *direction)
{
	DBusSignatureIter iter;

	if (!*signature)
		return;
	dbus_signature_iter_init(&iter, signature);
	do {
		char *type = needed(dbus_signature_iter_get_signature(&iter));

		fprintf(text, "<arg type=\"%s\"%s/>", type, direction);
		dbus_free(type);
	} while (dbus_signature_iter_next(&iter));
}

static char *describe(const struct service *service)
{
	const struct method *method;
	const struct signal *signal;
	char *xml;
	size_t size;
	FILE *text = needed(open_memstream(&xml, &size));

	fputs(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>", text);
	for (size_t i = 0; service->interfaces[i]; i++) {
		const struct interface *interface = service->interfaces[i];

		fprintf(text, "<interface name=\"%s\">", interface->name);
		for (method = interface->methods; method->name; method++) {
			fprintf(text, "<method name=\"%s\">", method->name);
			describe_arguments(text, method->in, " direction=\"in\"");
			describe_arguments(text, method->out, " direction=\"out\"");
			fputs("</method>", text);
		}
		for (signal = interface->signals; signal && signal->name; signal++) {
			fprintf(text, "<signal name=\"%s\">", signal->name);
			describe_arguments(text, signal->signature, "");
			fputs("</signal>", text);
		}
		fputs("</interface>", text);
	}
	fputs("</node>", text);
	fclose(text);
	return xml;
}

static DBusMessage *introspect(const struct service *service, DBusMessage *call)
{
	char *xml = describe(service);
	DBusMessage *answer = answer_with(call, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID);

	free(xml);
	return answer;
}

/* Calls */

/* A caller may leave the interface out. */
static const struct method *find_method(const struct service *service, DBusMessage *call)
{
	const char *wanted = dbus_message_get_interface(call);
	const char *name = dbus_message_get_member(call);

	for (size_t i = 0; service->interfaces[i]; i++) {
		const struct interface *interface = service->interfaces[i];

		if (wanted && strcmp(wanted, interface->name))
			continue;
		for (const struct method *method = interface->methods; method->name; method++)
			if (!strcmp(name, method->name))
				return method;
	}
	return NULL;
}

static DBusMessage *answer_call(const struct service *service, DBusMessage *call)
{
	const struct method *method;

	if (dbus_message_is_method_call(call, DBUS_INTERFACE_INTROSPECTABLE, "Introspect"))
		return introspect(service, call);
	method = find_method(service, call);
	if (!method)
		return needed(dbus_message_new_error_printf(call, DBUS_ERROR_UNKNOWN_METHOD,
							    "%s has no method '%s'", service->name,
							    dbus_message_get_member(call)));
	if (!dbus_message_has_signature(call, method->in))
		return needed(dbus_message_new_error_printf(
			call, DBUS_ERROR_INVALID_ARGS, "%s takes arguments '%s', not '%s'",
			method->name, method->in, dbus_message_get_signature(call)));
	return method->answer(call);
}

static DBusHandlerResult on_message(DBusConnection *bus, DBusMessage *message, void *user_data)
{
	DBusMessage *answer;

	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	answer = answer_call(user_data, message);
	if (!dbus_message_get_no_reply(message))
		need(dbus_connection_send(bus, answer, NULL));
	dbus_message_unref(answer);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* What is to be sent is sent, what has come is dispatched; then both wait. */
static void run_with_source(DBusConnection *bus, const struct source *source)
{
	struct pollfd polled[2] = {{.events = POLLIN}, {.fd = source->fd, .events = POLLIN}};

	if (!dbus_connection_get_unix_fd(bus, &polled[0].fd))
		errx(1, "the bus has no file descriptor");
	do {
		while (dbus_connection_dispatch(bus) == DBUS_DISPATCH_DATA_REMAINS)
			;
		dbus_connection_flush(bus);
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			err(1, "poll");
		if (polled[1].revents)
			source->ready(bus);
	} while (dbus_connection_read_write(bus, 0));
}

void service_run(DBusConnection *bus, const struct service *service)
{
	static const DBusObjectPathVTable table = {.message_function = on_message};
	DBusError error = DBUS_ERROR_INIT;

	dbus_connection_set_exit_on_disconnect(bus, FALSE);
	need(dbus_connection_register_object_path(bus, OBJECT_PATH, &table, (void *)service));
	if (service->prepare)
		service->prepare(bus);
	switch (dbus_bus_request_name(bus, service->name, DBUS_NAME_FLAG_DO_NOT_QUEUE, &error)) {
	case DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER:
		break;
	case -1:
		errx(1, "%s: %s", service->name, error.message);
	default:
		errx(1, "%s is being served already on this bus", service->name);
	}
	printf("listening on %s\n", service->name);
	fflush(stdout);
	if (service->source)
		run_with_source(bus, service->source);
	else
		while (dbus_connection_read_write_dispatch(bus, -1))
			;
	errx(1, "the message bus has ended");
}
