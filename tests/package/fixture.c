#include "fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "package/format.h"
#include "package/tree.h"
#include "stream/archive_stream.h"
#include "stream/sink.h"
#include "stream/source.h"

enum { TAR_MAX = 64 << 20, THREADS = 2 };

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

void make_tar(const struct entry *entries, struct buf *ret)
{
	struct err e = { 0 };
	struct sink *sink = sink_to_buf(ret, TAR_MAX, &e);
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_pax_restricted(a);
	must(archive_write_open_sink(a, sink, &e), &e);
	for (const struct entry *m = entries; m->path; m++) {
		mode_t mode = m->mode;
		size_t len = m->len ? m->len : m->text ? strlen(m->text) : 0;
		archive_entry_clear(entry);
		archive_entry_set_pathname(entry, m->path);
		archive_entry_set_mode(entry, mode);
		archive_entry_set_mtime(entry, m->mtime, 0);
		archive_entry_set_uid(entry, 1000);
		archive_entry_set_uname(entry, "somebody");
		archive_entry_set_size(entry, (la_int64_t)len);
		if (m->target && S_ISLNK(mode))
			archive_entry_set_symlink(entry, m->target);
		else if (m->target)
			archive_entry_set_hardlink(entry, m->target);
		cr_assert(archive_write_header(a, entry) >= ARCHIVE_WARN, "%s", archive_error_string(a));
		if (len)
			cr_assert_eq(archive_write_data(a, m->text, len), (la_ssize_t)len);
	}
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	archive_entry_free(entry);
	sink_free(sink);
}

void compress_as(const struct buf *bytes, const char *filter, struct buf *ret)
{
	struct err e = { 0 };
	struct sink *sink = sink_to_buf(ret, TAR_MAX, &e);
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_raw(a);
	if (strcmp(filter, "none") != 0)
		cr_assert_eq(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK, "%s", archive_error_string(a));
	if (strcmp(filter, "xz") == 0) { /* in blocks of 1 MiB, as dpkg-deb writes larger ones */
		cr_assert_eq(archive_write_set_filter_option(a, "xz", "threads", "2"), ARCHIVE_OK);
		cr_assert_eq(archive_write_set_filter_option(a, "xz", "compression-level", "0"), ARCHIVE_OK);
	}
	must(archive_write_open_sink(a, sink, &e), &e);
	archive_entry_set_mode(entry, S_IFREG | 0644);
	cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK);
	cr_assert_eq(archive_write_data(a, bytes->data, bytes->len), (la_ssize_t)bytes->len);
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	archive_entry_free(entry);
	sink_free(sink);
}

void ar_begin(struct buf *ar)
{
	struct err e = { 0 };

	must(buf_puts(ar, "!<arch>\n", &e), &e);
}

void ar_add(struct buf *ar, const char *name, const void *bytes, size_t len)
{
	struct err e = { 0 };

	must(buf_printf(ar, &e, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", len), &e);
	must(buf_append(ar, bytes, len, &e), &e);
	if (len % 2)
		must(buf_append(ar, "\n", 1, &e), &e);
}

void make_deb_of(const char *data_name, const struct buf *data, struct buf *ret)
{
	ar_begin(ret);
	ar_add(ret, "debian-binary", "2.0\n", 4);
	ar_add(ret, "control.tar.xz", "ignored", 7);
	ar_add(ret, data_name, data->data, data->len);
}

void make_deb(const struct entry *entries, struct buf *ret)
{
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf xz = { 0 };

	make_tar(entries, &tar);
	compress_as(&tar, "xz", &xz);
	make_deb_of("data.tar.xz", &xz, ret);
}

int write_tree(const struct buf *packages, size_t count, const struct tree_rules *rules, struct buf *ret, struct err *e)
{
	return write_tree_of("deb", packages, count, rules, ret, e);
}

int write_tree_of(const char *format_name, const struct buf *packages, size_t count, const struct tree_rules *rules,
		  struct buf *ret, struct err *e)
{
	static const char *const names[] = { "p0", "p1", "p2", "p3" };
	struct source *sources[ARRAY_LEN(names)];
	const struct package_format *format = package_format_find(format_name, e);
	struct sink *sink = sink_to_buf(ret, TAR_MAX, e);

	cr_assert(format && sink && count <= ARRAY_LEN(names));
	for (size_t i = 0; i < count; i++)
		sources[i] = source_from_memory(packages[i].data, packages[i].len, e);
	int rc = tree_write(sources, names, count, format, THREADS, rules, sink, NULL, NULL, e);
	sink_free(sink);
	return rc;
}

static struct archive *open_tar(const struct buf *tar)
{
	struct archive *a = archive_read_new();

	archive_read_support_format_tar(a);
	cr_assert_eq(archive_read_open_memory(a, tar->data, tar->len), ARCHIVE_OK, "%s", archive_error_string(a));
	return a;
}

void list_tar(const struct buf *tar, struct buf *ret)
{
	struct archive *a = open_tar(tar);
	struct archive_entry *entry;
	struct err e = { 0 };

	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(entry), *hard = archive_entry_hardlink(entry);
		char type = hard ? 'h' : S_ISDIR(archive_entry_mode(entry)) ? 'd' : S_ISLNK(archive_entry_mode(entry)) ? 'l' : 'f';
		int len = (int)strlen(path);
		cr_expect(archive_entry_uid(entry) == 0 && archive_entry_gid(entry) == 0, "%s has an owner", path);
		while (len > 1 && path[len - 1] == '/')
			len--;
		must(buf_printf(ret, &e, "%c %04o %lld %.*s", type, (unsigned)archive_entry_perm(entry),
				(long long)archive_entry_mtime(entry), len, path),
		     &e);
		if (type == 'f')
			must(buf_printf(ret, &e, " %lld", (long long)archive_entry_size(entry)), &e);
		if (type == 'l' || type == 'h')
			must(buf_printf(ret, &e, " -> %s", hard ? hard : archive_entry_symlink(entry)), &e);
		must(buf_puts(ret, "\n", &e), &e);
	}
	archive_read_free(a);
}

void read_tar_file(const struct buf *tar, const char *path, struct buf *ret)
{
	struct archive *a = open_tar(tar);
	struct archive_entry *entry;
	struct err e = { 0 };
	char chunk[4096];
	la_ssize_t n;

	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		if (strcmp(archive_entry_pathname(entry), path) != 0)
			continue;
		while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0)
			must(buf_append(ret, chunk, (size_t)n, &e), &e);
	}
	archive_read_free(a);
}
