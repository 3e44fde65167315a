/* Packages that are not what they should be: each costs its own kernel, and is named. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "mirror.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(package, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* A cache with packages of its own, since they get damaged. Caller frees. */
static char *private_cache(void)
{
	struct err e;
	char *path = text_of("%s/private-cache", site()->temp.path);

	cr_assert(path_make_dirs(path, &e) == 0, "%s", e.message);
	return path;
}

/* The largest package of a cache: the path. Caller frees. */
static char *largest_package(const char *cache)
{
	cleanup_free char *dir = text_of("%s/packages/sha256", cache);
	cleanup_strv struct strv files = { 0 };
	char *best = NULL;
	off_t most = 0;

	tree_list(dir, &files);
	for (size_t i = 0; i < files.len; i++) {
		char *path = text_of("%s/%s", dir, files.items[i]);
		struct stat st;
		cr_assert(stat(path, &st) == 0);
		if (st.st_size > most) {
			most = st.st_size;
			char *previous = best;
			best = path;
			path = previous;
		}
		free(path);
	}
	cr_assert_not_null(best, "there is no package in '%s'", dir);
	return best;
}

static void flip_a_byte(const char *path)
{
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	file_bytes(path, &bytes);
	bytes.data[bytes.len / 2] ^= 0x10;
	cr_assert(unlink(path) == 0);
	cr_assert(file_replace(path, bytes.data, bytes.len, 0444, &e) == 0, "%s", e.message);
}

Test(package, one_that_went_bad_in_the_cache_is_set_aside_and_fetched_again)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cache = private_cache();
	cleanup_free char *bad = text_of("%s/packages/bad", cache), *object = text_of("%s-ebpf-%s.o.gz", s->name, kernel);
	cleanup_mirror struct mirror_site m = { 0 };
	cleanup_strv struct strv aside = { 0 };

	probe_put_bpf(s->probe, s->name, "");
	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	mirror_write_list(&m, NULL);
	site_run(0, "build", "--root", m.root, "--cache", cache, "--kernel", kernel, NULL);
	cleanup_free char *victim = largest_package(cache);
	flip_a_byte(victim);
	struct program *p = site_run(0, "build", "--root", m.root, "--cache", cache, "--kernel", kernel, "--rebuild", NULL);
	const char *warning = strstr(buf_text(&p->err), "warning: ");
	cr_assert_not_null(warning, "%s", buf_text(&p->err));
	cr_expect(strstr(warning, "'linux-") && strstr(warning, "fetching it again"), "%s", warning);
	cr_expect(strstr(buf_text(&p->err), ": 1 built;"), "%s", buf_text(&p->err));
	tree_list(bad, &aside);
	cr_assert_geq(aside.len, 1, "nothing was set aside");
	cr_expect(str_starts(aside.items[0], "linux-"), "%s", aside.items[0]);
	cr_expect(file_is_there(victim), "the good one is not back");
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
}

/* Kernels that do not exist, 6.1.0-9X-amd64, with packages of their own; the rest (linux-kbuild-6.1) is the real kernel's. */
static void add_made_up(struct mirror_site *m, const char *base, const char *const *files)
{
	cleanup_free char *headers = text_of("linux-headers-%s-amd64_6.1.1-1_amd64.deb", base);
	cleanup_free char *common = text_of("linux-headers-%s-common_6.1.1-1_all.deb", base);
	static const char *const nothing[] = { "./usr/src/empty", "", NULL };

	mirror_list(m, headers);
	mirror_list(m, common);
	mirror_put_deb(m, common, nothing);
	if (files)
		mirror_put_deb(m, headers, files);
}

static void add_truncated(struct mirror_site *m, const char *kernel)
{
	cleanup_free char *cloud = site_cloud(kernel), *prefix = text_of("linux-headers-%s_", kernel);
	cleanup_free char *from = mirror_path(m, prefix);
	cleanup_free char *version = text_of("%s", path_base(from) + strlen(prefix));
	cleanup_free char *name = text_of("linux-headers-%s_%s", cloud, version);
	cleanup_free char *to = text_of("%s/%s", m->pool, name);
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	file_bytes(from, &bytes);
	cr_assert(file_replace(to, bytes.data, bytes.len / 2, 0644, &e) == 0, "%s", e.message);
	mirror_list(m, name);
}

/* The line of the summary for a kernel, or "". Borrowed. */
static const char *verdict_of(const struct program *p, const char *kernel)
{
	static char line[2048];
	cleanup_free char *begin = text_of("failed      bpf %s (", kernel);
	const char *at = strstr(buf_text(&p->err), begin);

	snprintf(line, sizeof(line), "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
	return line;
}

Test(package, each_bad_one_costs_its_own_kernel)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cloud = site_cloud(kernel), *cache = private_cache();
	cleanup_free char *object = text_of("%s-ebpf-%s.o.gz", s->name, kernel);
	cleanup_free char *outside = text_of("%s/evil", s->temp.path);
	cleanup_mirror struct mirror_site m = { 0 };
	static const char *const climbing[] = { "./usr/src/linux-headers-6.1.0-99-amd64/.config",
						"CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian) 12.2.0\"\n", "./../../evil", "boo\n",
						NULL };
	static const char *const harmless[] = { "./usr/src/linux-headers-6.1.0-97-amd64/.config", "CONFIG_X=y\n", NULL };
	const struct {
		const char *kernel, *package, *why;
	} rows[] = {
		{ cloud, "linux-headers-", "runcated" },
		{ "6.1.0-99-amd64", "linux-headers-6.1.0-99-amd64_6.1.1-1_amd64.deb", "evil" },
		{ "6.1.0-98-amd64", "linux-headers-6.1.0-98-amd64_6.1.1-1_amd64.deb", "open file" },
		{ "6.1.0-97-amd64", "linux-headers-6.1.0-97-amd64_6.1.1-1_amd64.deb", "6e340b9cffb3" },
	};

	probe_put_bpf(s->probe, s->name, "");
	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	add_truncated(&m, kernel);
	add_made_up(&m, "6.1.0-99", climbing);
	add_made_up(&m, "6.1.0-98", NULL);     /* is listed, and not there */
	add_made_up(&m, "6.1.0-97", harmless); /* and other bytes than were promised */
	cleanup_free char *url = mirror_url(&m, rows[3].package), *path = mirror_path(&m, rows[3].package);
	struct stat st;
	cr_assert(stat(path, &st) == 0);
	cleanup_free char *digests =
		text_of("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d  %lld  %s\n", (long long)st.st_size, url);
	mirror_write_list(&m, digests);
	struct program *p = site_run(1, "build", "--root", m.root, "--cache", cache, NULL);
	cr_expect(strstr(buf_text(&p->err), "5 kernels: 1 built, 4 failed;"), "%s", buf_text(&p->err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *line = verdict_of(p, rows[i].kernel);
		cr_expect(strstr(line, rows[i].package) && strstr(line, rows[i].why), "'%s': '%s' in\n%s", rows[i].kernel, line,
			  buf_text(&p->err));
	}
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	cr_expect(!file_is_there(outside));
	site_expect_no_container(p);
}
