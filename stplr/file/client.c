// SPDX-License-Identifier: GPL-2.0
/* Clients: the arguments of the calls by which a server asks about them. */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/user_namespace.h>
#include <uapi/linux/stplr.h>

#include "call/client.h"
#include "file/args.h"
#include "file/client.h"

static int stplr_client_groups(const struct group_info *groups, struct stplr_client_info *info)
{
	u32 __user *to = u64_to_user_ptr(info->groups);
	unsigned int i;

	for (i = 0; i < groups->ngroups && i < info->nr_groups; i++) {
		if (put_user(from_kgid_munged(current_user_ns(), groups->gid[i]), to + i))
			return -EFAULT;
	}
	info->nr_groups = groups->ngroups;
	return 0;
}

long stplr_client_info_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_client_info info;
	const struct cred *cred;
	int err;

	err = stplr_args_get(&info, sizeof(info), arg, size);
	if (err)
		return err;
	if (info.rcvid < 0)
		return -EINVAL;
	cred = stplr_client_info(file->private_data, &info);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	err = stplr_client_groups(cred->group_info, &info);
	put_cred(cred);
	if (err)
		return err;
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

long stplr_cookie_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_client_cookie args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.rcvid < 0 || (args.rcvid && args.coid))
		return -EINVAL;
	if (args.rcvid)
		return stplr_message_attach_cookie(file->private_data, args.rcvid, args.cookie);
	return stplr_client_attach_cookie(file->private_data, args.coid, args.cookie);
}
