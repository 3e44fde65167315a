#include "pool.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "mirror.h"
#include "site.h"
#include "tree.h"
#include "work.h"

#define SOURCES "linux-source-6.1"

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

static void make_of_headers(const char *maker, const char *pool, const char *kernel)
{
	cleanup_mirror struct mirror_site m = { 0 };

	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	cleanup_free char *prefix = text_of("linux-headers-%s_", kernel);
	cleanup_free char *common_prefix = text_of("linux-headers-%.*s-common_", (int)(strlen(kernel) - strlen("-amd64")), kernel);
	cleanup_free char *headers = mirror_path(&m, prefix), *common = mirror_path(&m, common_prefix);
	cleanup_free char *kbuild = mirror_path(&m, "linux-kbuild-");
	work(maker, pool, headers, common, kbuild, NULL);
}

static void make_of_sources(const char *maker, const char *pool, const char *package)
{
	work(maker, pool, package, NULL);
}

/* what: what it is made of, besides the maker itself. */
static char *make_pool(const char *maker, const char *name, const char *what,
		       void (*make)(const char *maker, const char *pool, const char *what))
{
	cleanup_free char *script = text_of("tests/integration/%s", maker);
	cleanup_free char *dir = text_of("%s/build/integration-cache/%s", site()->root, name);
	cleanup_free char *lock = text_of("%s.lock", dir), *mark = text_of("%s/made-of", dir);
	cleanup_buf struct buf wanted = { 0 }, made_of = { 0 };
	struct err e;

	cleanup_close int held = file_lock(lock, true, &e);
	must(held, &e);
	file_bytes(script, &wanted);
	must(buf_printf(&wanted, &e, "%s\n", what), &e);
	if (file_is_there(mark))
		file_bytes(mark, &made_of);
	if (made_of.len == wanted.len && memcmp(made_of.data, wanted.data, wanted.len) == 0)
		return steal_ptr(&dir);
	must(path_remove(dir, &e), &e);
	make(script, dir, what);
	file_put(dir, "made-of", buf_text(&wanted));
	return steal_ptr(&dir);
}

char *pool_made_by(const char *maker, const char *name)
{
	cleanup_free char *kernel = site_kernel(SERIES_6_1);

	return make_pool(maker, name, kernel, make_of_headers);
}

/* The one file in dir; NULL: there is none. Caller frees. */
static char *find_package(const char *dir)
{
	cleanup_strv struct strv names = { 0 };

	tree_list(dir, &names);
	for (size_t i = 0; i < names.len; i++)
		if (str_ends(names.items[i], ".deb"))
			return text_of("%s/%s", dir, names.items[i]);
	return NULL;
}

char *pool_of_sources(const char *maker, const char *name)
{
	cleanup_free char *dir = text_of("%s/build/integration-cache/source-package", site()->root);
	cleanup_free char *lock = text_of("%s.lock", dir);
	const char *const argv[] = { "env", "-C", dir, "apt-get", "-qq", "download", SOURCES, NULL };
	struct err e;

	must(path_make_dirs(dir, &e), &e);
	cleanup_close int held = file_lock(lock, true, &e);
	must(held, &e);
	cleanup_free char *package = find_package(dir);
	if (!package && process_run(argv, NULL, 1 << 20, NULL, NULL, &e) < 0)
		site_skip("no sources of a kernel: %s", e.message);
	if (!package)
		package = find_package(dir);
	cr_assert_not_null(package);
	return make_pool(maker, name, package, make_of_sources);
}

char *pool_checkout(const char *pool)
{
	struct site *s = site();
	cleanup_free char *root = text_of("%s/checkout", s->temp.path);
	cleanup_free char *from = text_of("%s/distros", s->root), *distros = text_of("%s/distros", root);
	cleanup_free char *real = text_of("%s/images", s->root), *images = text_of("%s/images", root);
	cleanup_strv struct strv names = { 0 };
	struct err e;

	tree_copy(from, distros);
	cr_assert(symlink(real, images) == 0);
	tree_list(distros, &names);
	for (size_t i = 0; i < names.len; i++) {
		int len = (int)strcspn(names.items[i], ".");
		cleanup_free char *dir = text_of("%s/%.*s", pool, len, names.items[i]);
		cleanup_free char *list = text_of("supported-kernels/%.*s.txt", len, names.items[i]);
		cleanup_strv struct strv files = { 0 };
		cleanup_buf struct buf text = { 0 };
		must(buf_puts(&text, "", &e), &e);
		tree_list(dir, &files);
		for (size_t j = 0; j < files.len; j++)
			must(buf_printf(&text, &e, "file://%s/%s\n", dir, files.items[j]), &e);
		file_put(root, list, buf_text(&text));
	}
	return steal_ptr(&root);
}
