/* SPDX-License-Identifier: MIT */
/* How channels are made */
#ifndef STPLR_QNX_CHANNEL_H
#define STPLR_QNX_CHANNEL_H

/* ChannelCreate() with a name, which may be NULL, and a pool of that many pulses. */
int channel_create(unsigned flags, const char *name, unsigned pulses);

#endif
