/* Object stores: one whose listing's pages are files, two keys each, and one below a real S3-compatible store. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "published.h"
#include "tree.h"

enum { PAGE_KEYS = 2, OTHER_KEYS = 1010 };

#define KEY "18000.%1$u.0/kernel-"

static char *bucket_rules(const struct published *p, const char *url)
{
	(void)p;
	return text_of("    bucket: {urls: [\"%s\"], prefix: \"18\"}\n    packages: ['\\d[^/]*/kernel-(?:src|headers)\\.tgz']\n",
		       url);
}

static void put_objects(const struct published *p, unsigned n)
{
	for (size_t f = 0; p->kind->files[0][f]; f++) {
		cleanup_free char *key = text_of(p->kind->files[0][f], n);
		cleanup_free char *name = text_of("%s%s", key, p->kind->suffix ? p->kind->suffix : "");
		file_put(p->dir, name, key);
	}
}

/* --- pages as files: <dir>/pages/MARKER/page.xml, which the server shows as .../store?marker=MARKER --- */

static void put_page(const struct published *p, const struct strv *keys, size_t from, size_t end)
{
	cleanup_buf struct buf text = { 0 };
	const char *marker = from ? keys->items[from - 1] : "";
	cleanup_free char *name = text_of("pages/%s/page.xml", marker);
	struct err e;

	cr_assert(
		buf_printf(&text, &e,
			   "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
			   "<Name>store</Name><Prefix>18</Prefix><Marker>%s</Marker>",
			   marker) == 0);
	if (end < keys->len)
		cr_assert(buf_printf(&text, &e, "<NextMarker>%s</NextMarker>", keys->items[end - 1]) == 0);
	cr_assert(buf_printf(&text, &e, "<IsTruncated>%s</IsTruncated>", end < keys->len ? "true" : "false") == 0);
	for (size_t i = from; i < end; i++)
		cr_assert(buf_printf(&text, &e,
				     "<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
				     "<ETag>\"0\"</ETag><Size>%zu</Size></Contents>",
				     keys->items[i], strlen(keys->items[i])) == 0);
	cr_assert(buf_puts(&text, "</ListBucketResult>", &e) == 0);
	file_put(p->dir, name, buf_text(&text));
}

static void publish_pages(const struct published *p)
{
	cleanup_free char *store = text_of("%s/store", p->dir), *pages = text_of("%s/pages", p->dir);
	cleanup_strv struct strv keys = { 0 };
	struct err e;

	file_put(store, "18000.0.0/readme.txt", "no kernel\n");
	cr_assert(path_remove(pages, &e) == 0, "%s", e.message);
	tree_list(store, &keys);
	for (size_t from = 0; from < keys.len; from += PAGE_KEYS)
		put_page(p, &keys, from, from + PAGE_KEYS < keys.len ? from + PAGE_KEYS : keys.len);
	repository_stamp(pages);
}

static char *pages_rules(const struct published *p, const char *url)
{
	cleanup_free char *store = text_of("%s/store", url);

	return bucket_rules(p, store);
}

const struct published_kind published_bucket = {
	.name = "bucket",
	.example = "example-rpm",
	.unchanged = true,
	.put = put_objects,
	.publish = publish_pages,
	.rules = pages_rules,
	.files = { { "store/" KEY "headers.tgz", "store/" KEY "src.tgz" } },
};

/* --- s3rver's directory: one file for each object; others before ours, so that ours are on the second page --- */

static void publish_objects(const struct published *p)
{
	cleanup_free char *others = text_of("%s/18000.0.0", p->dir);
	struct err e;

	if (file_is_there(others))
		return;
	cr_assert(path_make_dirs(others, &e) == 0, "%s", e.message);
	for (unsigned i = 0; i < OTHER_KEYS; i++) {
		cleanup_free char *path = text_of("%s/other-%04u._S3rver_object", others, i);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		cr_assert(fd >= 0 && close(fd) == 0);
	}
}

const struct published_kind published_s3 = {
	.name = "s3rver",
	.example = "example-rpm",
	.put = put_objects,
	.publish = publish_objects,
	.rules = bucket_rules,
	.suffix = "._S3rver_object",
	.files = { { KEY "headers.tgz", KEY "src.tgz" } },
};
