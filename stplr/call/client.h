/* SPDX-License-Identifier: GPL-2.0 */
/* What a server asks about its clients, and attaches to them. */
#ifndef STPLR_CALL_CLIENT_H
#define STPLR_CALL_CLIENT_H

#include <linux/types.h>

struct cred;
struct stplr_channel;
struct stplr_client_info;

const struct cred *stplr_client_info(struct stplr_channel *channel, struct stplr_client_info *info);
int stplr_client_attach_cookie(struct stplr_channel *channel, u32 coid, u64 cookie);
int stplr_message_attach_cookie(struct stplr_channel *channel, s32 rcvid, u64 cookie);

#endif /* STPLR_CALL_CLIENT_H */
