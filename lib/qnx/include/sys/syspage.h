/* SPDX-License-Identifier: MIT */
/* What programs read there: processors, how fast ClockCycles() counts (QNX <sys/syspage.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_SYSPAGE_H
#define __STPLR_QNX_SYS_SYSPAGE_H

#include <features.h>
#include <stdint.h>

struct qtime_entry {
	uint64_t cycles_per_sec;
	unsigned long boot_time; /* in seconds since 1970 */
};

struct syspage_entry {
	uint16_t num_cpu;
};

#define SYSPAGE_ENTRY(__entry) (&stplr_qnx_syspage_##__entry)
#define _SYSPAGE_ENTRY(__page, __entry) SYSPAGE_ENTRY(__entry)

__BEGIN_DECLS
/* As it was when the program began. */
extern struct syspage_entry *_syspage_ptr;
extern struct qtime_entry stplr_qnx_syspage_qtime;
__END_DECLS
#endif
