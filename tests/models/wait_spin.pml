/* SPDX-License-Identifier: MIT */
/*
 * Waiting with a look before the sleep: no wake-up is lost, though who runs is not woken.
 *
 * A thread waits WAITS times for a number to grow. It looks a few times, then says that it sleeps,
 * looks once more, and sleeps. Another makes the number grow and wakes only who says it sleeps. A
 * stranger (a signal, a timer) may wake the thread, too, at any time.
 *
 * Stores are buffered as on processors with total store order: what a thread has stored is seen by
 * the other only when it leaves the buffer, which a full barrier waits for. That is the reordering
 * (a load before an earlier store) that the two barriers are for: set_current_state()'s, and the
 * one of who wakes.
 *
 *	spin -a wait_spin.pml && cc -O2 -o pan pan.c && ./pan
 *
 * finds no invalid end state. With -DNO_SLEEPER_BARRIER, -DNO_WAKER_BARRIER, -DSLEEP_AT_ONCE or
 * -DSTATE_FIRST (options of spin -a) it must find one: tests/models/run does all of these.
 */

#define WAITS 2
#define LOOKS 2

byte number;		/* in memory */
byte number_stored;	/* in the waker's buffer */
bool number_buffered;
bool sleeps;		/* what the thread's state says, in memory */
bool sleeps_buffered;	/* it has said so, which is in its buffer */

/* What leaves buffers, at any time. */
proctype memory() {
end:
	do
	:: atomic {
		number_buffered -> number = number_stored; number_buffered = false
	   }
	:: atomic {
		sleeps_buffered -> sleeps = true; sleeps_buffered = false
	   }
	od
}

inline wake_sleeper() {
	if
	:: sleeps -> sleeps = false	/* wake_up_process() */
	:: else -> skip			/* it runs */
	fi
}

proctype waker() {
	byte n = 0;

	do
	:: n == WAITS -> break
	:: n < WAITS ->
		n++;
#ifdef STATE_FIRST
		wake_sleeper();
#endif
		atomic {
			!number_buffered -> number_stored = n; number_buffered = true
		}
#ifndef STATE_FIRST
#ifndef NO_WAKER_BARRIER
		atomic {
			!number_buffered	/* smp_mb() */
		}
#endif
		wake_sleeper()
#endif
	od
}

proctype stranger() {
end:
	atomic {
		sleeps -> sleeps = false
	}
}

proctype waiter() {
	byte seen = 0, looks;

	do
	:: seen == WAITS -> break
	:: seen < WAITS ->
		looks = 0;
		do
		:: number > seen -> break
		:: number <= seen && looks < LOOKS -> looks++
		:: number <= seen ->
			sleeps_buffered = true;
#ifndef NO_SLEEPER_BARRIER
			atomic {
				!sleeps_buffered	/* set_current_state() */
			}
#endif
#ifndef SLEEP_AT_ONCE
			if
			:: number > seen ->
				/* __set_current_state(TASK_RUNNING), which what it has said precedes */
				atomic {
					!sleeps_buffered -> sleeps = false
				}
				break
			:: else -> skip
			fi;
#endif
			atomic {
				!sleeps_buffered && !sleeps	/* schedule() */
			}
		od;
		seen++
	od
}

init {
	atomic {
		run memory();
		run waker();
		run waiter();
		run stranger()
	}
}
