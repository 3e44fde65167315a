#include "tree.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { FILE_MAX = 512 << 20, OBJECT_MAX = 64 << 20, GZIP_HEADER = 16 };

char *text_of(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	cr_assert(vasprintf(&text, format, args) >= 0);
	va_end(args);
	return text;
}

void text_replace(const char *text, const char *word, const char *with, struct buf *ret)
{
	struct err e;

	for (const char *at; (at = strstr(text, word)); text = at + strlen(word))
		cr_assert(buf_append(ret, text, (size_t)(at - text), &e) == 0 && buf_puts(ret, with, &e) == 0);
	cr_assert(buf_puts(ret, text, &e) == 0);
}

static void list_below(const char *dir, const char *prefix, struct strv *ret)
{
	cleanup_free char *path = text_of("%s/%s", dir, prefix);
	DIR *d = opendir(path);
	struct dirent *entry;
	struct err e;

	while (d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		cleanup_free char *name = text_of("%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);
		if (entry->d_type == DT_DIR)
			list_below(dir, name, ret);
		else
			cr_assert(strv_add(ret, name, &e) == 0);
	}
	if (d)
		closedir(d);
}

void tree_list(const char *dir, struct strv *ret)
{
	strv_release(ret);
	*ret = (struct strv){ 0 };
	list_below(dir, "", ret);
	strv_sort(ret);
}

void tree_expect(const char *dir, const char *const names[])
{
	cleanup_strv struct strv have = { 0 };
	size_t count = 0;

	tree_list(dir, &have);
	for (; names[count]; count++)
		cr_expect(strv_has(&have, names[count]), "'%s' is not in '%s'", names[count], dir);
	for (size_t i = 0; i < have.len; i++) {
		bool wanted = false;
		for (size_t n = 0; n < count && !wanted; n++)
			wanted = strcmp(names[n], have.items[i]) == 0;
		cr_expect(wanted, "'%s' should not be in '%s'", have.items[i], dir);
	}
}

void tree_expect_equal(const char *a, const char *b)
{
	cleanup_strv struct strv left = { 0 };
	cleanup_strv struct strv right = { 0 };

	tree_list(a, &left);
	tree_list(b, &right);
	cr_assert_gt(left.len, 0, "there is nothing below '%s'", a);
	cr_assert_eq(left.len, right.len, "%zu files below '%s', %zu below '%s'", left.len, a, right.len, b);
	for (size_t i = 0; i < left.len; i++) {
		cleanup_free char *one = text_of("%s/%s", a, left.items[i]);
		cleanup_free char *other = text_of("%s/%s", b, left.items[i]);
		cleanup_buf struct buf one_bytes = { 0 };
		cleanup_buf struct buf other_bytes = { 0 };
		cr_assert_str_eq(left.items[i], right.items[i]);
		file_bytes(one, &one_bytes);
		file_bytes(other, &other_bytes);
		cr_expect(one_bytes.len == other_bytes.len &&
				  memcmp(buf_text(&one_bytes), buf_text(&other_bytes), one_bytes.len) == 0,
			  "'%s' and '%s' differ", one, other);
	}
}

void tree_expect_nothing_partial(const char *dir)
{
	cleanup_strv struct strv files = { 0 };

	tree_list(dir, &files);
	for (size_t i = 0; i < files.len; i++)
		cr_expect(!str_ends(files.items[i], ".partial"), "'%s/%s' is half a file", dir, files.items[i]);
}

void file_put(const char *dir, const char *name, const char *text)
{
	cleanup_free char *path = text_of("%s/%s", dir, name);
	cleanup_free char *above = text_of("%.*s", (int)(path_base(path) - path), path);
	struct err e;

	cr_assert(path_make_dirs(above, &e) == 0, "%s", e.message);
	cr_assert(file_replace(path, text, strlen(text), 0644, &e) == 0, "%s", e.message);
}

void file_bytes(const char *path, struct buf *ret)
{
	struct err e;

	buf_clear(ret);
	cr_assert(file_read(path, FILE_MAX, ret, &e) == 0, "%s", e.message);
}

bool file_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void tree_copy(const char *from, const char *to)
{
	cleanup_strv struct strv files = { 0 };
	struct err e;

	tree_list(from, &files);
	for (size_t i = 0; i < files.len; i++) {
		cleanup_free char *source = text_of("%s/%s", from, files.items[i]);
		cleanup_free char *target = text_of("%s/%s", to, files.items[i]);
		cleanup_free char *above = text_of("%.*s", (int)(path_base(target) - target), target);
		cleanup_buf struct buf bytes = { 0 };
		struct stat st;
		file_bytes(source, &bytes);
		cr_assert(stat(source, &st) == 0);
		cr_assert(path_make_dirs(above, &e) == 0 &&
				  file_replace(target, buf_text(&bytes), bytes.len, st.st_mode & 0777, &e) == 0,
			  "%s", e.message);
	}
}

void file_gunzip(const char *path, struct buf *ret)
{
	cleanup_buf struct buf packed = { 0 };
	z_stream z = { 0 };
	struct err e;

	file_bytes(path, &packed);
	buf_clear(ret);
	cr_assert(buf_reserve(ret, OBJECT_MAX, &e) == 0);
	cr_assert_eq(inflateInit2(&z, GZIP_HEADER + MAX_WBITS), Z_OK);
	z.next_in = (unsigned char *)packed.data;
	z.avail_in = (unsigned)packed.len;
	z.next_out = (unsigned char *)ret->data;
	z.avail_out = OBJECT_MAX;
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END, "'%s' is no whole gzip file", path);
	cr_assert_eq(z.avail_in, 0, "something is behind the end of '%s'", path);
	ret->len = z.total_out;
	inflateEnd(&z);
}
