/* Distros that rebuild another one's kernels: one kernel, packages from several. */
#ifndef ORCHESTRATE_BUILD_YIELDING_H
#define ORCHESTRATE_BUILD_YIELDING_H

#include "base/err.h"
#include "base/log.h"

struct inputs;

/* Takes out of every chosen distro's kernels those whose id a chosen distro of its `yields-to` has too. A line in the log (info)
 * for each distro that lost some. Where two yield to each other, one of them keeps the kernel. */
must_check int inputs_yield(struct inputs *in, struct log *log, struct err *e);

#endif
