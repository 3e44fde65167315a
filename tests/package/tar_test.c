/* Plain archives, as some distributions publish their sources and headers. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fixture.h"

static const struct tree_rules no_rules;

static const struct entry entries[] = { DIRECTORY("./"),
					TEXT("./Makefile", "VERSION = 6\n"),
					TEXT("./include/linux/a.h", "a\n"),
					HARDLINK("./include/linux/b.h", "./include/linux/a.h"),
					SYMLINK("./include/c.h", "linux/a.h"),
					NO_MORE };

static void make_package(const char *filter, struct buf *ret)
{
	cleanup_buf struct buf tar = { 0 };

	make_tar(entries, &tar);
	compress_as(&tar, filter, ret);
}

Test(tar, reads_every_compression)
{
	static const char *const filters[] = { "none", "gzip", "xz", "zstd", "bzip2" };
	static const char wanted[] = "f 0644 0 Makefile 12\n"
				     "d 0755 0 include\n"
				     "d 0755 0 include/linux\n"
				     "f 0644 0 include/linux/a.h 2\n"
				     "h 0644 0 include/linux/b.h -> include/linux/a.h\n"
				     "l 0777 0 include/c.h -> linux/a.h\n";

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf package = { 0 };
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf list = { 0 };
		struct err e = { 0 };
		make_package(filters[i], &package);
		cr_assert_eq(write_tree_of("tar", &package, 1, &no_rules, &tar, &e), 0, "%s: %s", filters[i], e.message);
		list_tar(&tar, &list);
		cr_expect_str_eq(buf_text(&list), wanted, "%s", filters[i]);
	}
}

Test(tar, sources_and_headers_make_one_tree)
{
	static const struct entry headers[] = { TEXT("usr/src/linux-headers-6.1.0/.config", "CONFIG_X=y\n"), NO_MORE };
	struct buf packages[2] = { { 0 } };
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf headers_tar = { 0 };
	cleanup_buf struct buf config = { 0 };
	cleanup_buf struct buf makefile = { 0 };
	struct err e = { 0 };

	make_package("gzip", &packages[0]);
	make_tar(headers, &headers_tar);
	compress_as(&headers_tar, "xz", &packages[1]);
	cr_assert_eq(write_tree_of("tar", packages, 2, &no_rules, &tar, &e), 0, "%s", e.message);
	read_tar_file(&tar, "usr/src/linux-headers-6.1.0/.config", &config);
	read_tar_file(&tar, "Makefile", &makefile);
	cr_expect_str_eq(buf_text(&config), "CONFIG_X=y\n");
	cr_expect_str_eq(buf_text(&makefile), "VERSION = 6\n");
	buf_release(&packages[0]);
	buf_release(&packages[1]);
}

Test(tar, a_truncated_one_is_refused)
{
	static const char *const filters[] = { "none", "gzip", "xz", "zstd", "bzip2" };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf package = { 0 };
		make_package(filters[i], &package);
		/* The last bytes of a plain one are padding. */
		for (size_t cut = i == 0 ? 512 : 1; cut < package.len; cut += package.len / 20 + 1) {
			const struct buf part = { .data = package.data, .len = package.len - cut };
			cleanup_buf struct buf tar = { 0 };
			struct err e = { 0 };
			cr_expect_eq(write_tree_of("tar", &part, 1, &no_rules, &tar, &e), -1, "%s: %zu bytes less went through",
				     filters[i], cut);
			cr_expect(e.kind == ERR_CORRUPT && strstr(e.message, "package 'p0'"), "%s: %zu bytes less: %s", filters[i],
				  cut, e.message);
		}
	}
}

Test(tar, something_else_is_no_tar)
{
	static const struct {
		const char *what, *bytes;
	} rows[] = {
		{ "an error page", "<html><body>Service unavailable</body></html>\n" },
		{ "nothing", "" },
		{ "a single byte", "x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct buf bytes = { .data = (char *)rows[i].bytes, .len = strlen(rows[i].bytes) };
		cleanup_buf struct buf tar = { 0 };
		struct err e = { 0 };
		cr_expect_eq(write_tree_of("tar", &bytes, 1, &no_rules, &tar, &e), -1, "%s went through", rows[i].what);
		cr_expect(e.kind == ERR_CORRUPT && strstr(e.message, "package 'p0'"), "%s: %s", rows[i].what, e.message);
	}
}
