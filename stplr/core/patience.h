/* SPDX-License-Identifier: GPL-2.0 */
/* Clients that wait for a moment only: STPLR_SEND_PARK. */
#ifndef STPLR_CORE_PATIENCE_H
#define STPLR_CORE_PATIENCE_H

struct stplr_message;

void stplr_patience_init(struct stplr_message *message);
void stplr_patience_begin(struct stplr_message *message);
void stplr_patience_end(struct stplr_message *message);

#endif /* STPLR_CORE_PATIENCE_H */
