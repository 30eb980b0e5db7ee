// SPDX-License-Identifier: MIT
/* The system page, which QNX's kernel fills and shows to all: as much of it as programs read */
#include <stdint.h>
#include <sys/syspage.h>
#include <time.h>
#include <unistd.h>

static struct syspage_entry page;
struct syspage_entry *_syspage_ptr = &page;
struct qtime_entry stplr_qnx_syspage_qtime = {.cycles_per_sec = 1000000000};

__attribute__((constructor)) static void fill(void)
{
	struct timespec now, since_boot;

	page.num_cpu = (uint16_t)sysconf(_SC_NPROCESSORS_ONLN);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	stplr_qnx_syspage_qtime.boot_time = (unsigned long)(now.tv_sec - since_boot.tv_sec);
}
