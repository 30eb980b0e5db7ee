/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel code as a client: see <linux/stplr_kernel.h>. */
#ifndef STPLR_PEER_LINK_H
#define STPLR_PEER_LINK_H

int stplr_links_init(void);
void stplr_links_exit(void);

#endif /* STPLR_PEER_LINK_H */
