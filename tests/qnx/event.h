/* SPDX-License-Identifier: MIT */
/* What event_server and event_client say to each other */
#ifndef EVENT_H
#define EVENT_H

#include <sys/iomsg.h>
#include <sys/siginfo.h>

#define EVENT_POINT "event_server"
#define MY_SERV (_IO_MAX + 5)

struct my_msg {
	short type;
	short subtype;
	struct sigevent event;
};

#endif
