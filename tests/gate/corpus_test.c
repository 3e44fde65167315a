/* The fuzz targets' corpora, played back through the same entries. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#define LLVMFuzzerTestOneInput elf_fuzz
#include "../fuzz/elf_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput bpf_fuzz
#include "../fuzz/bpf_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput reference_fuzz
#include "../fuzz/reference_fuzz.c"
#undef LLVMFuzzerTestOneInput
#include "base/buf.h"
#include "base/file.h"

static int replay(const char *dir, int (*play)(const uint8_t *bytes, size_t len))
{
	struct dirent *entry;
	struct err e = { 0 };
	int played = 0;

	DIR *d = opendir(dir);
	cr_assert(d, "no corpus in %s: tests run from the project's directory", dir);
	while ((entry = readdir(d))) {
		cleanup_buf struct buf bytes = { 0 };
		char path[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		cr_assert_eq(file_read(path, 1 << 20, &bytes, &e), 0, "%s", e.message);
		play((const uint8_t *)buf_text(&bytes), bytes.len);
		played++;
	}
	closedir(d);
	return played;
}

Test(elf_corpus, replays)
{
	cr_expect_gt(replay("tests/data/gate/elf-corpus", elf_fuzz), 3);
}

Test(bpf_corpus, replays)
{
	cr_expect_gt(replay("tests/data/gate/bpf-corpus", bpf_fuzz), 3);
}

Test(reference_corpus, replays)
{
	cr_expect_gt(replay("tests/data/gate/reference-corpus", reference_fuzz), 3);
}
