/* libFuzzer: the first byte says which of a kernel's files the rest is (package/capture.h). Corpus:
 * tests/data/gate/reference-corpus. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct reference *r = NULL;
	char part[16];
	struct err e;

	if (len == 0 || reference_new(&r, &e) < 0)
		return 0;
	if (reference_add(r, CAPTURE_CONFIG, "CONFIG_A=y\n", 11, &e) < 0)
		abort();
	if (reference_add(r, (enum capture)(bytes[0] % CAPTURE_COUNT), (const char *)bytes + 1, len - 1, &e) == 0) {
		reference_symbol(r, "a");
		reference_config(r, "A", part, sizeof(part));
		reference_has_bpf_name(r, "FN");
		reference_bpf_helper_count(r);
		/* What is given out fits. */
		if (reference_vermagic_part(r, "A", part, sizeof(part)) && strlen(part) >= sizeof(part))
			abort();
	}
	reference_free(r);
	return 0;
}
