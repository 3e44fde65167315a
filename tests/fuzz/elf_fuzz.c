/* libFuzzer: any bytes as a module and as an eBPF object, of a kernel that is known and of one that is not, and as a host tool.
 * Corpus: tests/data/gate/elf-corpus. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/object.h"
#include "package/needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct reference *make_kernel(void)
{
	static const struct {
		enum capture which;
		const char *text;
	} captures[] = {
		{ CAPTURE_SYMVERS,
		  "0x00000001\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\n0x00000002\tinit\tvmlinux\tEXPORT_SYMBOL_GPL\tNS\n" },
		{ CAPTURE_CONFIG, "CONFIG_MODVERSIONS=y\nCONFIG_RETPOLINE=y\nCONFIG_RETHUNK=y\n" },
		{ CAPTURE_VERMAGIC, "#ifdef CONFIG_SMP\n#define MODULE_VERMAGIC_SMP \"SMP \"\n#endif\n" },
		{ CAPTURE_BPF, "enum { BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT, BPF_MAP_TYPE_ARRAY, BPF_PSEUDO_CALL };\n"
			       "#define __BPF_FUNC_MAPPER(FN) FN(unspec), FN(map_lookup_elem), FN(map_update_elem),\n" },
	};
	struct reference *r = NULL;
	struct err e;

	if (reference_new(&r, &e) < 0)
		abort();
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++)
		if (reference_add(r, captures[i].which, captures[i].text, strlen(captures[i].text), &e) < 0)
			abort();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct reference *kernel;
	char glibc[16];

	if (!kernel)
		kernel = make_kernel();
	const struct gate_expect expects[] = { { KIND_MOD, "6.1.0-x", EM_X86_64, NULL, NULL },
					       { KIND_BPF, "6.1.0-x", EM_X86_64, NULL, NULL },
					       { KIND_MOD, "6.1.0-x", EM_X86_64, NULL, kernel },
					       { KIND_BPF, "4.19.0-x", EM_X86_64, NULL, kernel } };

	for (size_t i = 0; i < sizeof(expects) / sizeof(expects[0]); i++) {
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
