/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls that send, receive, answer, read and write messages. */
#ifndef STPLR_FILE_MESSAGE_H
#define STPLR_FILE_MESSAGE_H

#include <linux/types.h>

struct file;

long stplr_send_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_send_receive_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_reply_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_receive_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_reply_receive_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_batch_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_read_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_write_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_info_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_MESSAGE_H */
