/* SPDX-License-Identifier: GPL-2.0 */
/* The version, once: the build, the packages and the tests read it here. */
#ifndef STPLR_VERSION_H
#define STPLR_VERSION_H

#define STPLR_MODULE_VERSION "0.1.0"
#define STPLR_MODULE_VERSION_CODE (0 << 16 | 1 << 8 | 0)

#endif /* STPLR_VERSION_H */
