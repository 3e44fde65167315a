#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tar_end.h"

static la_ssize_t keep(struct archive *a, void *context, const void *bytes, size_t len)
{
	if (((struct buf *)context)->len > 1 << 20) {
		archive_set_error(a, ENOSPC, "enough");
		return -1;
	}
	return buf_append(context, bytes, len, NULL) < 0 ? -1 : (la_ssize_t)len;
}

/* With a long name (a header of its own), a hard link with a size, a body of zeros, an empty file. */
static void make_tar(struct buf *b, int format)
{
	struct archive *a = archive_write_new();
	char name[300] = "deep/", body[3000] = { 0 };
	static const struct {
		int type;
		size_t size;
		bool long_name;
	} members[] = { { AE_IFDIR, 0, false },
			{ AE_IFREG, 2048, false },
			{ AE_IFREG, 3000, true },
			{ AE_IFREG, 0, false },
			{ AE_IFREG, 1, false } };

	memset(name + 5, 'n', 250);
	archive_write_set_format(a, format);
	archive_write_set_bytes_per_block(a, 0);
	cr_assert(archive_write_open(a, b, NULL, keep, NULL) == ARCHIVE_OK);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct archive_entry *m = archive_entry_new();
		archive_entry_set_pathname(m, members[i].long_name ? name : "short");
		archive_entry_set_filetype(m, (unsigned)members[i].type);
		archive_entry_set_perm(m, 0644);
		archive_entry_set_size(m, (la_int64_t)members[i].size);
		cr_assert(archive_write_header(a, m) == ARCHIVE_OK);
		cr_assert(archive_write_data(a, body, members[i].size) == (la_ssize_t)members[i].size);
		archive_entry_free(m);
	}
	cr_assert(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
}

static int judge(const char *bytes, size_t len, size_t piece, struct err *e)
{
	struct tar_end t = { 0 };

	for (size_t at = 0; at < len; at += piece)
		if (tar_end_feed(&t, bytes + at, len - at < piece ? len - at : piece, e) < 0)
			return -1;
	return tar_end_finish(&t, e);
}

Test(tar_end, sees_the_end_and_every_cut_before_it)
{
	static const int formats[] = { ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_TAR_GNUTAR };

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		cleanup_buf struct buf b = { 0 };
		struct err e = { 0 };
		make_tar(&b, formats[f]);
		size_t end = b.len;
		for (size_t piece = 1; piece < 1200; piece += 7)
			cr_assert(judge(b.data, end, piece, &e) == 0, "%s", e.message);
		for (size_t cut = 0; cut < end; cut++) {
			cr_assert_eq(judge(b.data, cut, 509, &e), -1, "format %zu: cut at %zu of %zu", f, cut, end);
			cr_assert_eq(e.kind, ERR_CORRUPT);
		}
	}
}

/* A member of 9 GiB, whose size ustar's octal field can't hold: base-256 and pax. Only the headers are fed, then the counting is
 * looked at. */
Test(tar_end, knows_members_larger_than_8_gib)
{
	static const int formats[] = { ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_TAR_GNUTAR };
	const uint64_t size = 9ULL << 30;

	for (size_t f = 0; f < 2; f++) {
		cleanup_buf struct buf b = { 0 };
		struct archive *a = archive_write_new();
		struct archive_entry *m = archive_entry_new();
		struct tar_end t = { 0 };
		struct err e = { 0 };
		archive_write_set_format(a, formats[f]);
		archive_write_set_bytes_per_block(a, 0);
		cr_assert(archive_write_open(a, &b, NULL, keep, NULL) == ARCHIVE_OK);
		archive_entry_set_pathname(m, "large");
		archive_entry_set_filetype(m, AE_IFREG);
		archive_entry_set_size(m, (la_int64_t)size);
		cr_assert(archive_write_header(a, m) == ARCHIVE_OK);
		size_t headers = b.len;
		for (size_t i = 0; i < headers; i++)
			cr_assert(tar_end_feed(&t, b.data + i, 1, &e) == 0, "%s", e.message);
		cr_expect_eq(t.body_left, size, "format %zu: %llu", f, (unsigned long long)t.body_left);
		archive_entry_free(m);
		/* Pads the body until it is stopped. */
		cr_expect_neq(archive_write_close(a), ARCHIVE_OK);
		archive_write_free(a);
	}
}

Test(tar_end, refuses_what_is_no_tar)
{
	char junk[1024];
	struct err e = { 0 };

	memset(junk, 'j', sizeof(junk));
	cr_expect_eq(judge(junk, sizeof(junk), 100, &e), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT);
}
