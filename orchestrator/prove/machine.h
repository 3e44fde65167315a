/* The emulator: which program runs guests of an architecture, and whether this machine's processor can help. */
#ifndef ORCHESTRATE_PROVE_MACHINE_H
#define ORCHESTRATE_PROVE_MACHINE_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/err.h"
#include "kernel/arch.h"

struct machine {
	const char *arch;	  /* kernel/arch.h */
	const char *program;	  /* QEMU */
	const char *const *words; /* its arguments that say which hardware there is; NULL-terminated */
	const char *console;	  /* what the kernel calls the first serial line */
};

/* Borrowed, static. ERR_NOT_FOUND for an architecture that no guest can have. */
const struct machine *machine_find(const struct arch *arch, struct err *e);
/* "QEMU 7.2.22"; not installed: ERR_NOT_FOUND with what to install. Caller frees. */
must_check int machine_version(const struct machine *m, const struct cancel *cancel, char **ret, struct err *e);
/* Whether KVM may work: there is a device that makes virtual machines, and a processor that says it can. A device alone proves
 * little: some hosts offer one on which guests hang. So the first guest that uses it is watched more closely. */
bool machine_has_kvm(void);

#endif
