/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/stplr-N as a file. */
#ifndef STPLR_FILE_DEVICE_H
#define STPLR_FILE_DEVICE_H

#include <linux/fs.h>

extern const struct file_operations stplr_device_fops;

#endif /* STPLR_FILE_DEVICE_H */
