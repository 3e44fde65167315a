#include "fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static la_ssize_t append(struct archive *a, void *context, const void *bytes, size_t len)
{
	struct err e;

	(void)a;
	cr_assert_eq(buf_append(context, bytes, len, &e), 0);
	return (la_ssize_t)len;
}

void make_tar(struct buf *to, const struct item *items, size_t count)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax(a);
	cr_assert_eq(archive_write_open(a, to, NULL, append, NULL), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		const struct item *it = &items[i];
		struct archive_entry *entry = archive_entry_new();
		archive_entry_copy_pathname(entry, it->path);
		archive_entry_set_filetype(entry, it->type ? it->type : AE_IFREG);
		archive_entry_set_perm(entry, it->mode);
		archive_entry_set_uid(entry, it->uid);
		archive_entry_set_gid(entry, it->uid);
		archive_entry_copy_uname(entry, it->uid ? "somebody" : "root");
		archive_entry_set_mtime(entry, it->mtime, 123456789);
		archive_entry_set_atime(entry, 77, 5);
		archive_entry_set_size(entry, it->type == AE_IFREG && it->text ? (la_int64_t)strlen(it->text) : 0);
		if (it->type == AE_IFLNK)
			archive_entry_copy_symlink(entry, it->text);
		if (!it->type)
			archive_entry_copy_hardlink(entry, it->text);
		cr_assert_geq(archive_write_header(a, entry), ARCHIVE_WARN, "%s", archive_error_string(a));
		if (it->type == AE_IFREG && it->text)
			archive_write_data(a, it->text, strlen(it->text));
		archive_entry_free(entry);
	}
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void list_one(struct archive_entry *entry, struct buf *out)
{
	struct err e;
	const char *uname = archive_entry_uname(entry);
	mode_t type = archive_entry_filetype(entry);
	const char *target = archive_entry_hardlink(entry) ? archive_entry_hardlink(entry) : archive_entry_symlink(entry);
	char letter = archive_entry_hardlink(entry) ? 'h'
		      : type == AE_IFREG	    ? 'f'
		      : type == AE_IFDIR	    ? 'd'
		      : type == AE_IFLNK	    ? 'l'
						    : '?';

	cr_assert_eq(buf_printf(out, &e, "%c %04o %d/%d[%s] %ld%s %ld %s%s%s\n", letter, (unsigned)archive_entry_perm(entry),
				(int)archive_entry_uid(entry), (int)archive_entry_gid(entry), uname ? uname : "",
				(long)archive_entry_mtime(entry),
				archive_entry_mtime_nsec(entry) || archive_entry_atime_is_set(entry) ? "!" : "",
				(long)archive_entry_size(entry), archive_entry_pathname(entry), target ? " -> " : "",
				target ? target : ""),
		     0);
}

static char *list_archive(struct archive *a)
{
	struct buf out = { 0 };
	struct archive_entry *entry;
	int got;

	while ((got = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
		list_one(entry, &out);
	cr_assert_eq(got, ARCHIVE_EOF, "%s", archive_error_string(a));
	archive_read_free(a);
	return buf_steal(&out);
}

char *list_tar(const char *path)
{
	struct archive *a = archive_read_new();

	archive_read_support_format_tar(a);
	archive_read_support_filter_gzip(a);
	cr_assert_eq(archive_read_open_filename(a, path, 4096), ARCHIVE_OK, "%s", archive_error_string(a));
	return list_archive(a);
}

char *list_tar_bytes(const struct buf *bytes)
{
	struct archive *a = archive_read_new();

	archive_read_support_format_tar(a);
	cr_assert_eq(archive_read_open_memory(a, bytes->data, bytes->len), ARCHIVE_OK, "%s", archive_error_string(a));
	return list_archive(a);
}

char *member_text(const struct buf *tar, const char *path)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char *text = NULL;

	archive_read_support_format_tar(a);
	cr_assert_eq(archive_read_open_memory(a, tar->data, tar->len), ARCHIVE_OK);
	while (!text && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		if (strcmp(archive_entry_pathname(entry), path) != 0)
			continue;
		size_t size = (size_t)archive_entry_size(entry);
		text = calloc(1, size + 1);
		cr_assert_eq(archive_read_data(a, text, size), (la_ssize_t)size);
	}
	archive_read_free(a);
	return text;
}

struct digest gunzipped_digest(const char *path)
{
	struct buf all = { 0 };
	struct digest digest;
	struct err e;
	char chunk[4096];
	int n;

	gzFile f = gzopen(path, "rb");
	cr_assert(f);
	while ((n = gzread(f, chunk, sizeof(chunk))) > 0)
		cr_assert_eq(buf_append(&all, chunk, (size_t)n, &e), 0);
	cr_assert_eq(n, 0);
	gzclose(f);
	cr_assert_eq(digest_of(all.data, all.len, &digest, &e), 0);
	buf_release(&all);
	return digest;
}

size_t count_files(const char *dir)
{
	size_t count = 0;
	struct dirent *d;

	DIR *open = opendir(dir);
	cr_assert(open);
	while ((d = readdir(open)))
		count += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	closedir(open);
	return count;
}
