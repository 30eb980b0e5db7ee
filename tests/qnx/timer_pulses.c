// SPDX-License-Identifier: MIT
/* A timer that sends a pulse every 20 milliseconds, ten times; beside it one that fires once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/netmgr.h>
#include <sys/neutrino.h>
#include <sys/syspage.h>
#include <time.h>

#define PULSE_TICK _PULSE_CODE_MINAVAIL
#define PULSE_ONCE (_PULSE_CODE_MINAVAIL + 1)
#define PERIOD_MS 20
#define TICKS 10

typedef union {
	struct _pulse pulse;
} message_t;

int main(void)
{
	struct sigevent tick, once;
	struct itimerspec time;
	timer_t tick_timer, once_timer;
	uint64_t start, cycles;
	int chid, rcvid, ticks = 0, fired = 0;
	message_t msg;
	double ms;

	chid = ChannelCreate(0);

	SIGEV_PULSE_INIT(&tick, ConnectAttach(ND_LOCAL_NODE, 0, chid, _NTO_SIDE_CHANNEL, 0),
			 SIGEV_PULSE_PRIO_INHERIT, PULSE_TICK, 0);
	if (timer_create(CLOCK_MONOTONIC, &tick, &tick_timer) == -1) {
		perror("timer_create");
		return EXIT_FAILURE;
	}

	/* by hand, as in older programs */
	once.sigev_notify = SIGEV_PULSE;
	once.sigev_coid = ConnectAttach(ND_LOCAL_NODE, 0, chid, _NTO_SIDE_CHANNEL, 0);
	once.sigev_priority = getprio(0);
	once.sigev_code = PULSE_ONCE;
	once.sigev_value.sival_int = 4711;
	if (timer_create(CLOCK_REALTIME, &once, &once_timer) == -1) {
		perror("timer_create");
		return EXIT_FAILURE;
	}

	time.it_value.tv_sec = 0;
	time.it_value.tv_nsec = PERIOD_MS * 1000000;
	time.it_interval = time.it_value;
	start = ClockCycles();
	timer_settime(tick_timer, 0, &time, NULL);
	time.it_value.tv_nsec = 50 * 1000000;
	time.it_interval.tv_nsec = 0;
	timer_settime(once_timer, 0, &time, NULL);

	while (ticks < TICKS) {
		rcvid = MsgReceive(chid, &msg, sizeof(msg), NULL);
		if (rcvid != 0) {
			fprintf(stderr, "no pulse: %d\n", rcvid);
			return EXIT_FAILURE;
		}
		switch (msg.pulse.code) {
		case PULSE_TICK:
			ticks++;
			break;
		case PULSE_ONCE:
			fired++;
			if (msg.pulse.value.sival_int != 4711)
				return EXIT_FAILURE;
			break;
		default:
			fprintf(stderr, "unexpected pulse %d\n", msg.pulse.code);
			return EXIT_FAILURE;
		}
	}
	cycles = ClockCycles() - start;
	ms = (double)cycles / SYSPAGE_ENTRY(qtime)->cycles_per_sec * 1000;
	timer_delete(tick_timer);
	timer_delete(once_timer);
	printf("%d ticks in %.1f ms, fired %d\n", ticks, ms, fired);
	return ms >= PERIOD_MS * TICKS && fired == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
