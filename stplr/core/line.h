/* SPDX-License-Identifier: GPL-2.0 */
/* How posts get into their channel's queue, and how all of them end. */
#ifndef STPLR_CORE_LINE_H
#define STPLR_CORE_LINE_H

#include <linux/types.h>

struct stplr_line;
struct stplr_slot;

void stplr_line_init(struct stplr_line *line);
void stplr_line_post(struct stplr_line *line, struct stplr_slot *slot);
void stplr_line_kick(struct stplr_line *line);
void stplr_line_flush(struct stplr_line *line);
void stplr_line_cancel(struct stplr_line *line);

#endif /* STPLR_CORE_LINE_H */
