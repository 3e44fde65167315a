/* What a kernel's own packages say of it: the truth that objects are checked against. Made of captured files (package/capture.h),
 * which are untrusted: in the filter process only. */
#ifndef ORCHESTRATE_GATE_REFERENCE_H
#define ORCHESTRATE_GATE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "package/capture.h"

struct reference;

/* What the kernel, or one of its modules, exports. */
struct reference_symbol {
	const char *name, *module; /* module: "vmlinux" for the kernel itself */
	const char *name_space;	   /* "": none */
	uint32_t crc;		   /* 0 also where the kernel has no versions */
	bool gpl;		   /* only for modules whose licence is compatible with the GPL */
};

must_check int reference_new(struct reference **ret, struct err *e);
void reference_free(struct reference *r);
DEFINE_CLEANUP(reference, struct reference, reference_free)

/* Takes one captured file in; the text is copied, and of the same file given twice the first counts. A line that makes no sense is
 * passed over, except in Module.symvers: ERR_CORRUPT. More than a million symbols: ERR_LIMIT. */
must_check int reference_add(struct reference *r, enum capture which, const char *text, size_t len, struct err *e);
/* Takes all captures of a tar in. fd is read by pread from offset 0, so several processes may share it. ERR_CORRUPT, also for one
 * that is not whole; ERR_HOSTILE for a member that is no capture; ERR_LIMIT beyond CAPTURES_BYTES_MAX. */
must_check int reference_read(struct reference *r, int fd, struct err *e);

/* Borrowed. NULL when nobody exports it. */
const struct reference_symbol *reference_symbol(const struct reference *r, const char *name);
/* False: there was no Module.symvers, or it was empty, so nothing can be said about any symbol. */
bool reference_has_symbols(const struct reference *r);

/* False: there was neither a .config nor an auto.conf. */
bool reference_has_config(const struct reference *r);
/* True when CONFIG_<option>=y, or =m. */
bool reference_config_on(const struct reference *r, const char *option);
/* The value of CONFIG_<option>, without quotes, cut to fit. False, and "": it is not set. */
bool reference_config(const struct reference *r, const char *option, char *ret, size_t room);

/* Whether structs that ask for it are laid out at random, struct module among them. */
bool reference_layout_is_random(const struct reference *r);

/* "" when there was no utsrelease.h. */
const char *reference_release(const struct reference *r);
/* The value that include/linux/vermagic.h gives a macro for this kernel's config: that of its first `#define` with a string whose
 * nearest #if, #ifdef or #elif holds. False: no vermagic.h, no config, or it defines no such string. */
bool reference_vermagic_part(const struct reference *r, const char *macro, char *ret, size_t room);
/* Whether vermagic.h names this macro at all. */
bool reference_vermagic_names(const struct reference *r, const char *macro);

/* False: there was no bpf.h, so nothing can be said about what eBPF the kernel has. */
bool reference_has_bpf(const struct reference *r);
/* The kernel's include/uapi/linux/bpf.h has this identifier, outside comments, as a whole word: "BPF_PROG_TYPE_TRACING", or a
 * helper's name as the mapper has it, "ringbuf_output". */
bool reference_has_bpf_name(const struct reference *r, const char *identifier);
/* The number of the highest helper function that the mapper in bpf.h has; 0: not known. */
unsigned reference_bpf_helper_count(const struct reference *r);

#endif
