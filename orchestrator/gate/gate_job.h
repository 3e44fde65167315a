/* What the filters of this room have in common. Inside the filter process. */
#ifndef ORCHESTRATE_GATE_GATE_JOB_H
#define ORCHESTRATE_GATE_GATE_JOB_H

#include "gate/object.h"
#include "gate/result.h"

/* What their arguments begin with: NAME RELEASE MACHINE MODULE-NAME|"" CAPTURES. So many captures are open from
 * RESULT_FIRST_CAPTURE_FD on. */
enum { GATE_WORDS = 5 };

struct gate_job {
	struct gate_expect expect; /* reference: once gate_job_read has been called */
	size_t captures;
};

/* Reads those arguments, and goes into confinement. */
must_check int gate_job_init(struct gate_job *job, char **argv, struct err *e);
/* Reads the captures, where there are any and it has not been done; the reference lives as long as the process. */
must_check int gate_job_read(struct gate_job *job, struct err *e);

#endif
