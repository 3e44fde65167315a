/* The checks of a kernel module, by what they look at. Internal to gate. Of the kernel only what expect->reference holds is asked;
 * what that does not know is not checked. */
#ifndef ORCHESTRATE_GATE_MODULE_H
#define ORCHESTRATE_GATE_MODULE_H

#include <stdbool.h>

#include "gate/checks.h"
#include "gate/symbols.h"

struct module {
	const struct section_list *list;
	const struct gate_expect *expect;
	struct object_report *report;
	const struct section *modinfo; /* NULL: none */
	struct symbol_list symbols;
	bool big_endian;
};

/* The value of the key's next entry in .modinfo (a row of NUL-terminated key=value texts) from *at on, which moves behind it; 0 at
 * the start. *ret_len excludes the NUL; borrowed. NULL: there is no more. */
const char *modinfo_next(const struct section *modinfo, const char *key, size_t *at, size_t *ret_len);
/* Whether one of the key's entries has this value. */
bool modinfo_has(const struct section *modinfo, const char *key, const char *value);

/* "symbol": undefined ones are exported; "gpl", "namespace": to this module; "common": there are none that only a linker places. */
void module_check_symbols(const struct module *m);
/* "versions", "crc": each imported symbol is there in the version that the kernel has. */
must_check int module_check_versions(const struct module *m, struct err *e);
/* "retpoline", "return thunk", "stack protector": the code was made as the kernel's config asks, as far as that shows without
 * reading the instructions: a module says itself that it has retpolines, one with return thunks imports their target, one without
 * stack protector never imports its alarm. That each single call, return and frame is made so does not show. */
void module_check_code(const struct module *m);
/* "build path", "build time": what depends on where or when it was built. In bytes that get loaded and are no code: a text that is
 * the absolute path of a C or assembler source, header or object file (__FILE__) but for those below the builders' directory, which
 * are the same in every build; one that is a __DATE__, a __TIME__, or both with a blank between. */
void module_check_texts(const struct module *m);

#endif
