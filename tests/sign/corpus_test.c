/* The fuzz target's corpus, played back through the same entry. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#include "../fuzz/signature_fuzz.c"
#include "base/buf.h"
#include "base/file.h"

Test(signature_corpus, replays)
{
	static const char dir[] = "tests/data/sign/signature-corpus";
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
		LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&bytes), bytes.len);
		played++;
	}
	closedir(d);
	cr_expect_gt(played, 3);
	certificate_free((struct certificate *)certificate());
}
