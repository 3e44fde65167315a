#include "mirror.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "tree.h"

void mirror_make(struct mirror_site *m)
{
	struct site *s = site();
	struct err e;

	*m = (struct mirror_site){ .root = text_of("%s/root", s->temp.path), .pool = text_of("%s/pool", s->temp.path) };
	cleanup_free char *distros = text_of("%s/distros", m->root), *images = text_of("%s/images", m->root);
	cleanup_free char *real = text_of("%s/images", s->root), *yaml = text_of("%s/tests/data/integration/example.yaml", s->root);
	cleanup_buf struct buf bytes = { 0 };
	cr_assert(path_make_dirs(distros, &e) == 0 && path_make_dirs(m->pool, &e) == 0, "%s", e.message);
	cr_assert(symlink(real, images) == 0);
	file_bytes(yaml, &bytes);
	file_put(distros, "example.yaml", buf_text(&bytes));
}

void mirror_release(struct mirror_site *m)
{
	free(m->root);
	free(m->pool);
	strv_release(&m->files);
}

char *mirror_url(const struct mirror_site *m, const char *name)
{
	return text_of("file://%s/%s", m->pool, name);
}

void mirror_list(struct mirror_site *m, const char *name)
{
	struct err e;

	if (!strv_has(&m->files, name))
		cr_assert(strv_add(&m->files, name, &e) == 0);
}

/* A package lies in the shared cache under its digest, which `cache list` tells: sha256, size, name, URL. */
static char *cached_package(const char *listing, const char *url)
{
	struct site *s = site();
	const char *at = strstr(listing, url);

	cr_assert(at && (at[strlen(url)] == '\n' || !at[strlen(url)]), "'%s' is not in the cache", url);
	while (at > listing && at[-1] != '\n')
		at--;
	return text_of("%s/packages/sha256/%.2s/%.64s", s->cache, at, at);
}

static void add_package(struct mirror_site *m, const char *listing, const char *url)
{
	cleanup_free char *from = cached_package(listing, url), *to = text_of("%s/%s", m->pool, path_base(url));

	if (!file_is_there(to))
		cr_assert(symlink(from, to) == 0);
	mirror_list(m, path_base(url));
}

void mirror_add_kernel(struct mirror_site *m, const char *kernel)
{
	struct site *s = site();
	size_t i;
	json_t *url;

	struct program *listing = site_run_exactly(0, "cache", "list", "--root", s->root, "--cache", s->cache, NULL);
	struct program *plan = site_run_exactly(0, "build", "--dry-run", "--json", "--root", s->root, "--cache", s->cache,
						"--kernel", kernel, NULL);
	json_t *json = json_loads(buf_text(&plan->out), 0, NULL);
	json_t *packages = json_object_get(json_array_get(json_object_get(json, "kernels"), 0), "packages");
	cr_assert_geq(json_array_size(packages), 3);
	json_array_foreach(packages, i, url)
	{
		add_package(m, buf_text(&listing->out), json_string_value(url));
	}
	json_decref(json);
}

char *mirror_path(const struct mirror_site *m, const char *prefix)
{
	for (size_t i = 0; i < m->files.len; i++)
		if (str_starts(m->files.items[i], prefix))
			return text_of("%s/%s", m->pool, m->files.items[i]);
	cr_assert_fail("no '%s...' is listed", prefix);
	return NULL;
}

void mirror_write_list(struct mirror_site *m, const char *digests)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	strv_sort(&m->files);
	for (size_t i = 0; i < m->files.len; i++) {
		cleanup_free char *url = mirror_url(m, m->files.items[i]);
		cr_assert(buf_printf(&text, &e, "%s\n", url) == 0);
	}
	file_put(m->root, "supported-kernels/example.txt", buf_text(&text));
	if (digests)
		file_put(m->root, "supported-kernels/example.digests", digests);
}

/* --- made-up packages --- */

static void add_member(struct archive *a, const char *path, const void *bytes, size_t len)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)len);
	cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK, "%s", archive_error_string(a));
	cr_assert_eq(archive_write_data(a, bytes, len), (la_ssize_t)len);
	archive_entry_free(entry);
}

/* A gzipped tar of the pairs, in room; gives its length. */
static size_t pack_tar(const char *const *files, void *room, size_t size)
{
	struct archive *a = archive_write_new();
	size_t used = 0;

	cr_assert(archive_write_set_format_ustar(a) == ARCHIVE_OK && archive_write_add_filter_gzip(a) == ARCHIVE_OK &&
		  archive_write_open_memory(a, room, size, &used) == ARCHIVE_OK);
	for (; *files; files += 2)
		add_member(a, files[0], files[1], strlen(files[1]));
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return used;
}

void mirror_put_deb(struct mirror_site *m, const char *name, const char *const *files)
{
	static const char version[] = "2.0\n";
	static const char *const control[] = { "./control", "Package: made-up\nVersion: 1\nArchitecture: amd64\n", NULL };
	static char control_tar[64 << 10], data_tar[64 << 10];
	cleanup_free char *path = text_of("%s/%s", m->pool, name);
	struct archive *a = archive_write_new();

	cr_assert(archive_write_set_format_ar_svr4(a) == ARCHIVE_OK && archive_write_open_filename(a, path) == ARCHIVE_OK);
	add_member(a, "debian-binary", version, strlen(version));
	add_member(a, "control.tar.gz", control_tar, pack_tar(control, control_tar, sizeof(control_tar)));
	add_member(a, "data.tar.gz", data_tar, pack_tar(files, data_tar, sizeof(data_tar)));
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}
