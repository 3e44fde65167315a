/* libFuzzer: any bytes as a module, as an eBPF object and as a host tool. Corpus: tests/data/gate/elf-corpus. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/object.h"
#include "package/needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct gate_expect expects[] = { { KIND_MOD, "6.1.0-x", EM_X86_64, NULL, NULL },
						      { KIND_BPF, "6.1.0-x", EM_X86_64, NULL, NULL } };
	char glibc[16];

	for (size_t i = 0; i < 2; i++) {
		struct object_report r;
		struct err e = { 0 };
		if (object_check(bytes, len, &expects[i], &r, &e) == 0 && r.finding_count == 0 && !r.license[0])
			abort(); /* passed without a licence */
	}
	void *copy = len ? malloc(len) : NULL;
	if (copy) {
		memcpy(copy, bytes, len);
		needs_glibc(copy, len, glibc, sizeof(glibc));
		free(copy);
	}
	return 0;
}
