/* SPDX-License-Identifier: GPL-2.0 */
/* What root can see of a device. */
#ifndef STPLR_DEBUGFS_H
#define STPLR_DEBUGFS_H

struct stplr_device;

void stplr_debugfs_init(void);
void stplr_debugfs_exit(void);
void stplr_debugfs_add(struct stplr_device *device);
void stplr_debugfs_remove(struct stplr_device *device);

#endif /* STPLR_DEBUGFS_H */
