/* libFuzzer: any bytes as a module, as an eBPF object and as a host tool. Corpus: tests/data/gate/elf-corpus. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/object.h"
#include "package/needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A kernel that knows little, so that objects ask it for much; made once. */
static const struct reference *kernel(void)
{
	static const struct {
		enum capture which;
		const char *text;
	} captures[] = {
		{ CAPTURE_BPF, "enum { BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT, BPF_MAP_TYPE_ARRAY, BPF_PSEUDO_CALL };\n"
			       "#define __BPF_FUNC_MAPPER(FN) FN(unspec), FN(map_lookup_elem), FN(map_update_elem),\n" },
		{ CAPTURE_SYMVERS,
		  "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x00000001\tinit\tvmlinux\tEXPORT_SYMBOL\tNS\n" },
		{ CAPTURE_CONFIG, "CONFIG_MODVERSIONS=y\nCONFIG_SMP=y\nCONFIG_RETPOLINE=y\n" },
	};
	static struct reference *made;
	struct err e;

	if (made)
		return made;
	if (reference_new(&made, &e) < 0)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(captures); i++)
		if (reference_add(made, captures[i].which, captures[i].text, strlen(captures[i].text), &e) < 0)
			abort();
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct gate_expect expects[] = { { KIND_MOD, "6.1.0-x", EM_X86_64, NULL, NULL },
					       { KIND_MOD, "6.1.0-x", EM_X86_64, NULL, kernel() },
					       { KIND_BPF, "6.1.0-x", EM_X86_64, NULL, NULL },
					       { KIND_BPF, "4.19.0-x", EM_X86_64, NULL, kernel() } };
	char glibc[16];

	for (size_t i = 0; i < ARRAY_LEN(expects); i++) {
		struct object_report r;
		struct err e = { 0 };
		if (object_check(bytes, len, &expects[i], &r, &e) < 0 || r.finding_count)
			continue;
		if (!r.license[0] || (expects[i].kind == KIND_BPF && r.programs == 0))
			abort(); /* passed without a licence, or without a program */
	}
	void *copy = len ? malloc(len) : NULL;
	if (copy) {
		memcpy(copy, bytes, len);
		needs_glibc(copy, len, glibc, sizeof(glibc));
		free(copy);
	}
	return 0;
}
