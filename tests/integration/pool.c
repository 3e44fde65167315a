#include "pool.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "mirror.h"
#include "site.h"
#include "tree.h"

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

static void make_pool(const char *maker, const char *pool, const char *kernel)
{
	cleanup_mirror struct mirror_site m = { 0 };
	struct err e;

	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	cleanup_free char *prefix = text_of("linux-headers-%s_", kernel);
	cleanup_free char *common_prefix = text_of("linux-headers-%.*s-common_", (int)(strlen(kernel) - strlen("-amd64")), kernel);
	cleanup_free char *headers = mirror_path(&m, prefix), *common = mirror_path(&m, common_prefix);
	cleanup_free char *kbuild = mirror_path(&m, "linux-kbuild-");
	const char *const argv[] = { maker, pool, headers, common, kbuild, NULL };
	must(process_run(argv, NULL, 1 << 20, NULL, NULL, &e), &e);
}

char *pool_made_by(const char *maker, const char *name)
{
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *script = text_of("tests/integration/%s", maker);
	cleanup_free char *dir = text_of("%s/build/integration-cache/%s", site()->root, name);
	cleanup_free char *lock = text_of("%s.lock", dir), *mark = text_of("%s/made-of", dir);
	cleanup_buf struct buf wanted = { 0 };
	cleanup_buf struct buf made_of = { 0 };
	struct err e;

	cleanup_close int held = file_lock(lock, true, &e);
	must(held, &e);
	file_bytes(script, &wanted);
	must(buf_printf(&wanted, &e, "%s\n", kernel), &e);
	if (file_is_there(mark))
		file_bytes(mark, &made_of);
	if (made_of.len == wanted.len && memcmp(made_of.data, wanted.data, wanted.len) == 0)
		return steal_ptr(&dir);
	must(path_remove(dir, &e), &e);
	make_pool(script, dir, kernel);
	file_put(dir, "made-of", buf_text(&wanted));
	return steal_ptr(&dir);
}
