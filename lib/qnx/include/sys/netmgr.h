/* SPDX-License-Identifier: MIT */
/* Nodes: there is one, the local one (QNX <sys/netmgr.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_NETMGR_H
#define __STPLR_QNX_SYS_NETMGR_H

#include <features.h>
#include <stddef.h>
#include <stdint.h>

__BEGIN_DECLS

#define ND_LOCAL_NODE 0
#define ND_NODE_CMP(__a, __b) ((__a) == (__b) ? 0 : (__a) < (__b) ? -1 : 1)

/* What of a name netmgr_ndtostr() is to write; all write the host's name. */
#define ND2S_DIR_HIDE 0x0001
#define ND2S_DIR_SHOW 0x0002
#define ND2S_QOS_HIDE 0x0004
#define ND2S_QOS_SHOW 0x0008
#define ND2S_NAME_HIDE 0x0010
#define ND2S_NAME_SHOW 0x0020
#define ND2S_DOMAIN_HIDE 0x0040
#define ND2S_DOMAIN_SHOW 0x0080
#define ND2S_LOCAL_STR 0x0100
#define ND2S_SEP_FORCE 0x0200

extern int netmgr_ndtostr(unsigned __flags, int __nd, char *__name, size_t __size);
/* Other nodes than this one: ENOSYS. */
extern int netmgr_strtond(const char *__name, char **__end);
extern int netmgr_remote_nd(int __remote, int __nd);

__END_DECLS
#endif
