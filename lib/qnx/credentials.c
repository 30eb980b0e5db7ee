// SPDX-License-Identifier: MIT
/* Whose a process is: from /proc, for clients that only the system knows */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credentials.h"

static void take_groups(const char *list, struct stplr_client_info *info)
{
	gid_t *groups = (gid_t *)(uintptr_t)info->groups;
	uint32_t room = info->nr_groups, count = 0;
	unsigned long group;
	char *end;

	for (;; list = end) {
		group = strtoul(list, &end, 10);
		if (end == list)
			break;
		if (count < room)
			groups[count] = (gid_t)group;
		count++;
	}
	info->nr_groups = count;
}

int credentials_of(pid_t tid, struct stplr_client_info *info)
{
	char path[32], *line = NULL;
	size_t size = 0;
	FILE *file;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	while (found < 4 && getline(&line, &size, file) > 0) {
		int pid;

		if (sscanf(line, "Tgid: %d", &pid) == 1)
			info->pid = pid, found++;
		else if (sscanf(line, "Uid: %u %u %u", &info->uid, &info->euid, &info->suid) == 3)
			found++;
		else if (sscanf(line, "Gid: %u %u %u", &info->gid, &info->egid, &info->sgid) == 3)
			found++;
		else if (!strncmp(line, "Groups:", 7))
			take_groups(line + 7, info), found++;
	}
	free(line);
	fclose(file);
	info->sid = getsid(info->pid);
	return found == 4 ? 0 : -ESRCH;
}
