/* SPDX-License-Identifier: MIT */
/*
 * The need-wakeup flag of rings: no wake-up is lost.
 *
 * A publisher commits RECORDS records and wakes only who wants it; a sleeper takes them and sleeps
 * when there is none. The flag is cleared by whoever wakes, before it wakes; someone else may call
 * the wake-up, too (STPLR_RING_WAKE, an eventfd), at any time.
 *
 * Stores are buffered as on processors with total store order: what a process has stored is seen by
 * the other only when it leaves the buffer, which a full barrier waits for. That is the reordering
 * (a load before an earlier store) that the barriers are for. An atomic operation on the flag is in
 * memory at once, but is no barrier by itself: on some processors what follows may overtake it. So
 * the clearing is delayed, too, until the barrier after it.
 *
 *	spin -a ring_wanted.pml && cc -O2 -o pan pan.c && ./pan
 *
 * finds no invalid end state. With -DNO_W4, -DNO_ARM_BARRIER, -DNO_CLEAR_BARRIER, -DWAKE_FIRST or
 * -DARM_ONCE (options of spin -a) it must find one: tests/models/run does all of these.
 */

#define RECORDS 2
#define STRANGERS 1

byte head;		/* in memory */
byte head_stored;	/* in the publisher's buffer */
bool head_buffered;
bool wanted;		/* in memory: only atomic operations */
byte clearing;		/* clearings that are not in memory yet */
byte tail;		/* the sleeper's own */
bool queued;		/* the sleeper is where it is woken, under a lock */
bool woken;

inline full_barrier_publisher() {
	atomic {
		!head_buffered
	}
}

/* Whoever wakes: the flag, a barrier, the queue. */
inline wake() {
#ifdef WAKE_FIRST
	atomic {
		if
		:: queued -> woken = true
		:: else -> skip
		fi
	}
	wanted = false
#else
#ifdef NO_CLEAR_BARRIER
	clearing++;
	atomic {
		if
		:: queued -> woken = true
		:: else -> skip
		fi
	}
#else
	wanted = false;
	atomic {
		if
		:: queued -> woken = true
		:: else -> skip
		fi
	}
#endif
#endif
}

proctype publisher() {
	byte n = 0;

	do
	:: n == RECORDS -> break
	:: n < RECORDS ->
		n++;
		/* W3; one store a time is in the buffer */
		atomic {
			!head_buffered -> head_stored = n; head_buffered = true
		}
#ifndef NO_W4
		full_barrier_publisher(); /* W4 */
#endif
		if /* W5 */
		:: wanted -> wake()
		:: else -> skip
		fi
	od
}

proctype stranger() {
	byte n = 0;

	do
	:: n == STRANGERS -> break
	:: n < STRANGERS ->
		n++;
		wake()
	od
}

/* What leaves buffers, at any time. */
proctype memory() {
end:
	do
	:: atomic {
		head_buffered -> head = head_stored; head_buffered = false
	   }
	:: atomic {
		clearing > 0 -> clearing--; wanted = false
	   }
	od
}

proctype sleeper() {
	byte seen;
	bool armed = false;

	do
	:: tail == RECORDS -> break
	:: tail < RECORDS ->
		if
		:: head > tail -> tail++ /* R1 to R3 */
		:: else ->
			armed = false;
			do
			:: atomic {
				queued = true; woken = false
			   }
#ifdef ARM_ONCE
			   if
			   :: !armed -> wanted = true; armed = true
			   :: else -> skip
			   fi;
			   seen = head;
#else
#ifdef NO_ARM_BARRIER
			   /* the look may overtake the flag */
			   seen = head;
			   wanted = true;
#else
			   wanted = true;
			   seen = head; /* after the full barrier */
#endif
#endif
			   if
			   :: seen > tail -> break
			   :: else ->
				woken; /* sleeps */
				queued = false
			   fi
			od;
			queued = false
		fi
	od
}

init {
	atomic {
		run publisher();
		run stranger();
		run memory();
		run sleeper()
	}
}
