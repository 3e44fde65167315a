/* Which files say what a kernel is, by their paths. */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "package/capture.h"

Test(capture, is_told_by_its_place)
{
	static const struct {
		const char *path, *build_dir;
		enum capture which;
	} rows[] = {
		{ "usr/src/linux-x/Module.symvers", "usr/src/linux-x", CAPTURE_SYMVERS },
		{ "usr/src/linux-xy/Module.symvers", "usr/src/linux-x", CAPTURE_COUNT },
		{ "usr/src/linux-x/a/.config", "usr/src/linux-x", CAPTURE_COUNT },
		{ "usr/src/linux-x", "usr/src/linux-x", CAPTURE_COUNT },
		{ "usr/src/linux-common/include/linux/vermagic.h", "usr/src/linux-x", CAPTURE_VERMAGIC },
		{ "usr/src/linux-common/include/uapi/linux/bpf.h", "usr/src/linux-x", CAPTURE_BPF },
		{ "usr/src/linux-common/tools/include/uapi/linux/bpf.h", "usr/src/linux-x", CAPTURE_COUNT },
		{ "usr/src/linux-common/xinclude/linux/vermagic.h", "usr/src/linux-x", CAPTURE_COUNT },
		{ "Module.symvers", "", CAPTURE_COUNT },
		/* A tree without a directory around it. */
		{ "Module.symvers", ".", CAPTURE_SYMVERS },
		{ ".config", ".", CAPTURE_CONFIG },
		{ "usr/src/linux-x/.config", ".", CAPTURE_COUNT },
		{ "include/generated/utsrelease.h", ".", CAPTURE_UTSRELEASE },
		{ "include/linux/vermagic.h", ".", CAPTURE_VERMAGIC },
		{ "include/uapi/linux/bpf.h", ".", CAPTURE_BPF },
		{ "tools/include/uapi/linux/bpf.h", ".", CAPTURE_COUNT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(capture_of(rows[i].path, rows[i].build_dir), rows[i].which, "%s in '%s'", rows[i].path,
			     rows[i].build_dir);
}
