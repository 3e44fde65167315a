/* SPDX-License-Identifier: MIT */
/* What the kernel said and thinks of itself since something was loaded. */
#ifndef GUEST_LOG_H
#define GUEST_LOG_H

/* From here on. */
void log_begin(void);
/* Tests `log` and `taint` for what has come since. */
void log_report(void);

#endif
