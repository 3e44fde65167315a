#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"

static const struct entry small[] = { DIRECTORY("./"), TEXT("./a", "hello"), NO_MORE };
static const struct tree_rules no_rules;

static void expect_tree(const struct buf *deb, const char *label)
{
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf list = { 0 };
	struct err e = { 0 };

	cr_expect_eq(write_tree(deb, 1, &no_rules, &tar, &e), 0, "%s: %s", label, e.message);
	if (tar.len)
		list_tar(&tar, &list);
	cr_expect_str_eq(buf_text(&list), "f 0644 0 a 5\n", "%s", label);
}

static void expect_refused(const struct buf *deb, enum err_kind kind, const char *text, const char *label)
{
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };

	cr_expect_eq(write_tree(deb, 1, &no_rules, &tar, &e), -1, "%s went through", label);
	cr_expect_eq(e.kind, kind, "%s: %s: %s", label, err_kind_name(e.kind), e.message);
	cr_expect(strstr(e.message, "package 'p0'") && strstr(e.message, text), "%s: %s", label, e.message);
}

Test(deb, reads_every_compression)
{
	static const struct {
		const char *name, *filter;
	} rows[] = { { "data.tar", "none" },	 { "data.tar.xz", "xz" },     { "data.tar.gz", "gzip" },
		     { "data.tar.zst", "zstd" }, { "data.tar.bz2", "bzip2" }, { "data.tar.lzma", "lzma" },
		     { "data.tar.xz/", "xz" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf data = { 0 };
		cleanup_buf struct buf deb = { 0 };
		make_tar(small, &tar);
		compress_as(&tar, rows[i].filter, &data);
		make_deb_of(rows[i].name, &data, &deb);
		expect_tree(&deb, rows[i].name);
	}
}

Test(deb, compression_must_be_what_the_name_says)
{
	static const struct {
		const char *name, *filter;
	} rows[] = { { "data.tar.gz", "none" },
		     { "data.tar.xz", "gzip" },
		     { "data.tar.zst", "xz" },
		     { "data.tar", "xz" },
		     { "data.tar.rar", "none" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf data = { 0 };
		cleanup_buf struct buf deb = { 0 };
		make_tar(small, &tar);
		compress_as(&tar, rows[i].filter, &data);
		make_deb_of(rows[i].name, &data, &deb);
		expect_refused(&deb, ERR_CORRUPT, "", rows[i].name);
	}
}

struct part {
	const char *name, *text; /* text NULL: the data tar */
};

static void make_parts(const struct part *parts, struct buf *deb)
{
	cleanup_buf struct buf tar = { 0 };

	make_tar(small, &tar);
	ar_begin(deb);
	for (; parts->name; parts++)
		ar_add(deb, parts->name, parts->text ? parts->text : tar.data, parts->text ? strlen(parts->text) : tar.len);
}

Test(deb, order_and_presence_of_members)
{
	static const struct {
		struct part parts[6];
		const char *refused; /* NULL: fine */
	} rows[] = {
		{ { { "debian-binary", "2.0\n" }, { "control.tar", "" }, { "data.tar", NULL } }, NULL },
		{ { { "debian-binary", "2.13\nmore\n" }, { "control.tar.gz", "" }, { "data.tar", NULL } }, NULL },
		{ { { "debian-binary", "2.0\n" }, { "_x", "1" }, { "control.tar", "" }, { "_y", "2" }, { "data.tar", NULL } },
		  NULL },
		{ { { "debian-binary", "2.0\n" }, { "control.tar", "" }, { "data.tar", NULL }, { "_gpgorigin", "odd" } }, NULL },
		{ { { "debian-binary", "2.0\n" }, { "control.tar", "" }, { "data.tar", NULL }, { "later", "x" } }, NULL },
		{ { { "debian-binary", "3.0\n" }, { "control.tar", "" }, { "data.tar", NULL } }, "version 2" },
		{ { { "debian-binary", "2.0" }, { "control.tar", "" }, { "data.tar", NULL } }, "version 2" },
		{ { { "debian-binary", "" }, { "control.tar", "" }, { "data.tar", NULL } }, "version 2" },
		{ { { "control.tar", "" }, { "debian-binary", "2.0\n" }, { "data.tar", NULL } },
		  "does not start with 'debian-binary'" },
		{ { { "debian-binary", "2.0\n" }, { "data.tar", NULL }, { "control.tar", "" } },
		  "no 'control.tar' where it belongs" },
		{ { { "debian-binary", "2.0\n" }, { "control.tar", "" }, { "x", "" }, { "data.tar", NULL } }, "no 'data.tar'" },
		{ { { "debian-binary", "2.0\n" }, { "control.tar", "" } }, "ends before 'data.tar'" },
		{ { { "debian-binary", "2.0\n" } }, "ends before 'control.tar'" },
		{ { { NULL, NULL } }, "does not start with 'debian-binary'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf deb = { 0 };
		char label[32];
		snprintf(label, sizeof(label), "row %zu", i);
		make_parts(rows[i].parts, &deb);
		if (rows[i].refused)
			expect_refused(&deb, ERR_CORRUPT, rows[i].refused, label);
		else
			expect_tree(&deb, label);
	}
}

Test(deb, other_files_are_named_for_what_they_are_not)
{
	static const char *const rows[] = { "", "!<arc", "<!DOCTYPE html><html>404</html>", "\xed\xab\xee\xdb\x03" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf deb = { (char *)rows[i], strlen(rows[i]), 0 };
		expect_refused(&deb, ERR_CORRUPT, rows[i][0] ? "is not a deb package" : "is empty", rows[i]);
	}
}

/* However much is missing, what is left never passes for a package. */
Test(deb, truncated_anywhere)
{
	static const char *const filters[][2] = {
		{ "data.tar", "none" }, { "data.tar.xz", "xz" }, { "data.tar.gz", "gzip" }, { "data.tar.zst", "zstd" }
	};

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf data = { 0 };
		cleanup_buf struct buf deb = { 0 };
		make_tar(small, &tar);
		compress_as(&tar, filters[i][1], &data);
		make_deb_of(filters[i][0], &data, &deb);
		size_t end = deb.len - data.len % 2; /* the padding byte of the last member is nobody's loss */
		for (size_t len = 0; len < end; len += 7) {
			struct buf cut = { deb.data, len, 0 };
			expect_refused(&cut, ERR_CORRUPT, "", filters[i][0]);
		}
	}
}

/* Whole for ar, cut inside data.tar. */
Test(deb, truncated_data)
{
	static const char *const filters[][2] = {
		{ "data.tar", "none" }, { "data.tar.xz", "xz" }, { "data.tar.gz", "gzip" }, { "data.tar.zst", "zstd" }
	};

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf data = { 0 };
		make_tar(small, &tar);
		compress_as(&tar, filters[i][1], &data);
		for (size_t len = 0; len < data.len; len += i ? 5 : 512) {
			cleanup_buf struct buf deb = { 0 };
			struct buf cut = { data.data, len, 0 };
			make_deb_of(filters[i][0], &cut, &deb);
			/* gzip's trailer is not needed to have all the bytes; what matters is that none are missing. */
			if (i == 2 && len + 8 >= data.len)
				continue;
			expect_refused(&deb, ERR_CORRUPT, "", filters[i][0]);
		}
	}
}

Test(deb, something_behind_the_tar_is_refused)
{
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf deb = { 0 };
	struct err e = { 0 };

	make_tar(small, &tar);
	cr_assert_eq(buf_puts(&tar, "and one more thing", &e), 0);
	make_deb_of("data.tar", &tar, &deb);
	expect_refused(&deb, ERR_CORRUPT, "something behind it", "tail");
}

/* 512 MiB of dictionary for two bytes. */
Test(deb, decoder_memory_is_bounded)
{
	cleanup_buf struct buf deb = { 0 };
	struct err e = { 0 };

	cr_assert_eq(file_read("tests/data/package/should-fail-dictionary.deb", 1 << 20, &deb, &e), 0, "%s", e.message);
	expect_refused(&deb, ERR_LIMIT, "bytes of memory", "dictionary");
}
