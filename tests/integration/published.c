#include "published.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tree.h"
#include "work.h"

/* --- apt --- */

static void put_deb(const struct published *p, unsigned n)
{
	package_make_kernel(p->apt.pool, n);
}

static void publish_apt(const struct published *p)
{
	apt_archive_publish(&p->apt);
}

static char *apt_rules(const struct published *p, const char *url)
{
	return text_of(
		"    apt:\n      urls: [\"%s\"]\n      suites: [stable]\n      components: [main]\n      architectures: [amd64]\n"
		"      keyring: %s\n      depends: ['linux-kbuild-.*']\n"
		"    packages: ['linux-headers-\\d.*_(?:amd64|all)\\.deb']\n    exclude: ['.*-dbg_.*']\n",
		url, p->key->keyring);
}

#define APT_KIND(NAME)                                                                                                             \
	.name = (NAME), .example = "example", .digests = true, .unchanged = true, .put = put_deb, .publish = publish_apt,          \
	.rules = apt_rules,                                                                                                        \
	.files = { { "pool/main/l/linux/linux-headers-6.1.0-%1$u-amd64_6.1.%1$u-1_amd64.deb",                                      \
		     "pool/main/l/linux/linux-headers-6.1.0-%1$u-common_6.1.%1$u-1_all.deb" },                                     \
		   { "pool/main/l/linux/linux-kbuild-6.1_6.1.%1$u-1_amd64.deb" } }

const struct published_kind published_apt = { APT_KIND("apt") };
const struct published_kind published_apt_by_hash = { APT_KIND("apt with by-hash") };
const struct published_kind published_apt_zst = { APT_KIND("apt with zst") };

/* --- yum --- */

static void put_rpm(const struct published *p, unsigned n)
{
	package_make_kernel_rpm(p->dir, n);
}

static const char *compression_of(const struct published *p)
{
	return p->kind == &published_yum_gz ? "gz" : p->kind == &published_yum_xz ? "xz" : "zst";
}

static void publish_yum(const struct published *p)
{
	yum_repository_publish(p->dir, compression_of(p), p->key);
}

static char *yum_rules(const struct published *p, const char *url)
{
	return text_of("    yum: {urls: [\"%s\"], keyring: %s}\n    packages: ['kernel-devel-.*\\.x86_64\\.rpm']\n", url,
		       p->key->keyring);
}

#define YUM_KIND(NAME)                                                                                                             \
	.name = (NAME), .example = "example-rpm", .digests = true, .unchanged = true, .put = put_rpm, .publish = publish_yum,      \
	.rules = yum_rules, .files = { { "kernel-devel-5.14.0-%1$u.el9.x86_64.rpm" } }

const struct published_kind published_yum_gz = { YUM_KIND("yum with gz") };
const struct published_kind published_yum_xz = { YUM_KIND("yum with xz") };
const struct published_kind published_yum_zst = { YUM_KIND("yum with zst") };

/* --- a server's own listings --- */

/* Each release has a directory; some are beside them that no pattern wants, and a link to the newest under another name. */
static void put_in_tree(const struct published *p, unsigned n)
{
	cleanup_free char *packages = text_of("%s/9.%u/os/x86_64/Packages", p->dir, n);
	cleanup_free char *source = text_of("%s/9.%u/os/Source", p->dir, n), *alias = text_of("%s/9", p->dir);
	cleanup_free char *release = text_of("9.%u", n), *other = text_of("%s/9.%u/isos", p->dir, n);
	struct err e;

	cr_assert(path_make_dirs(packages, &e) == 0, "%s", e.message);
	package_make_kernel_rpm(packages, n);
	file_put(packages, "kernel-5.14.0.x86_64.rpm", "no header package\n");
	file_put(source, "kernel-devel-5.14.0-1.el9.x86_64.rpm", "not looked for here\n");
	file_put(other, "boot & \"more\".iso", "names that HTML has to write otherwise\n");
	work("ln", "-sfn", release, alias, NULL);
}

static char *listing_rules(const struct published *p, const char *url)
{
	(void)p;
	return text_of("    html: {urls: [\"%s\"], descend: ['\\d+\\.\\d+', '(?:os|updates)', 'x86_64', 'Packages']}\n"
		       "    packages: ['kernel-devel-.*\\.x86_64\\.rpm']\n",
		       url);
}

const struct published_kind published_listing = {
	.name = "directory listing",
	.example = "example-rpm",
	.put = put_in_tree,
	.rules = listing_rules,
	.files = { { "9.%1$u/os/x86_64/Packages/kernel-devel-5.14.0-%1$u.el9.x86_64.rpm" } },
};

/* --- JSON: releases.json names builds, and the document of each names its packages --- */

static void put_build(const struct published *p, unsigned n)
{
	cleanup_free char *packages = text_of("%s/packages", p->dir), *name = text_of("builds/9.%u/x86_64/commitmeta.json", n);
	cleanup_free char *text = text_of("{\"rpmostree.rpmdb.pkglist\": [[\"bash\", \"0\", \"5.2\", \"1.el9\", \"x86_64\"],\n"
					  "  [\"kernel\", \"0\", \"5.14.0\", \"%u.el9\", \"x86_64\"]]}\n",
					  n);
	struct err e;

	cr_assert(path_make_dirs(packages, &e) == 0, "%s", e.message);
	package_make_kernel_rpm(packages, n);
	file_put(p->dir, name, text);
}

static void publish_releases(const struct published *p)
{
	cleanup_free char *builds = text_of("%s/builds", p->dir);
	cleanup_strv struct strv files = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	tree_list(builds, &files);
	cr_assert(buf_puts(&text, "{\"note\": null, \"releases\": [", &e) == 0);
	for (size_t i = 0; i < files.len; i++)
		cr_assert(buf_printf(&text, &e, "%s{\"version\": \"%.*s\"}", i ? ", " : "", (int)strcspn(files.items[i], "/"),
				     files.items[i]) == 0);
	cr_assert(buf_puts(&text, "]}\n", &e) == 0);
	file_put(p->dir, "releases.json", buf_text(&text));
	repository_stamp(p->dir);
}

static char *json_rules(const struct published *p, const char *url)
{
	(void)p;
	return text_of("    json:\n      urls: [\"%s/releases.json\"]\n      steps:\n"
		       "        - {path: [releases, \"*\", version], reference: \"builds/${value}/x86_64/commitmeta.json\"}\n"
		       "        - {path: [rpmostree.rpmdb.pkglist, \"*\"], where: {\"0\": kernel},\n"
		       "           reference: \"%s/packages/kernel-devel-${2}-${3}.x86_64.rpm\"}\n"
		       "    packages: ['kernel-devel-.*\\.rpm']\n",
		       url, url);
}

const struct published_kind published_json = {
	.name = "JSON",
	.example = "example-rpm",
	.unchanged = true,
	.put = put_build,
	.publish = publish_releases,
	.rules = json_rules,
	.files = { { "packages/kernel-devel-5.14.0-%1$u.el9.x86_64.rpm" } },
};

/* --- what they have in common --- */

void published_make(struct published *p, const struct published_kind *kind, const char *dir, const struct signing *key)
{
	*p = (struct published){ .kind = kind, .dir = text_of("%s", dir), .key = key };
	struct err e;

	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	if (kind->put != put_deb)
		return;
	apt_archive_make(&p->apt, dir, key);
	p->apt.by_hash = kind == &published_apt_by_hash;
	if (kind == &published_apt_zst)
		p->apt.compression = "zst";
	/* What an archive has besides. */
	package_make_deb(p->apt.pool, "bash", "5.2-1", "amd64", "linux-kbuild-5.10");
	package_make_deb(p->apt.pool, "linux-headers-amd64", "6.1.9-1", "amd64", "linux-headers-6.1.0-9-amd64");
	package_make_deb(p->apt.pool, "linux-headers-6.1.0-9-amd64-dbg", "6.1.9-1", "amd64", NULL);
	package_make_deb(p->apt.pool, "linux-kbuild-5.10", "5.10.9-1", "amd64", NULL);
}

void published_release(struct published *p)
{
	free(p->dir);
	apt_archive_release(&p->apt);
	*p = (struct published){ 0 };
}

static void publish(const struct published *p)
{
	if (p->kind->publish)
		p->kind->publish(p);
}

void published_put(const struct published *p, unsigned n)
{
	p->kind->put(p, n);
	publish(p);
}

/* Packages are never made twice, they would be others. What is dropped lies beside the directory until it comes back. */
static void move(const char *from_dir, const char *to_dir, const char *name)
{
	cleanup_free char *from = text_of("%s/%s", from_dir, name), *to = text_of("%s/%s", to_dir, name);
	cleanup_free char *above = text_of("%.*s", (int)(path_base(to) - to), to);
	struct err e;

	if (!file_is_there(from))
		return;
	cr_assert(path_make_dirs(above, &e) == 0, "%s", e.message);
	cr_assert(rename(from, to) == 0);
}

static void move_kernel(const struct published *p, unsigned n, const char *from, const char *to)
{
	cleanup_free char *build = text_of("builds/9.%u", n);

	for (size_t g = 0; g < PUBLISHED_GROUPS; g++)
		for (size_t f = 0; f < PUBLISHED_FILES && p->kind->files[g][f]; f++) {
			cleanup_free char *name = text_of(p->kind->files[g][f], n);
			cleanup_free char *file = text_of("%s%s", name, p->kind->suffix ? p->kind->suffix : "");
			move(from, to, file);
		}
	move(from, to, build);
	publish(p);
}

void published_drop(const struct published *p, unsigned n)
{
	cleanup_free char *gone = text_of("%s.gone", p->dir);

	move_kernel(p, n, p->dir, gone);
}

void published_return(const struct published *p, unsigned n)
{
	cleanup_free char *gone = text_of("%s.gone", p->dir);

	move_kernel(p, n, gone, p->dir);
}

char *published_indexes(const struct published *p, const char *url, const char *extra)
{
	cleanup_free char *rules = p->kind->rules(p, url);

	return text_of("indexes:\n  - name: main\n%s%s", rules, extra);
}

char *published_list(const struct published *p, const char *url, const unsigned *kernels)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	for (size_t g = 0; g < PUBLISHED_GROUPS; g++)
		for (const unsigned *n = kernels; *n; n++)
			for (size_t f = 0; f < PUBLISHED_FILES && p->kind->files[g][f]; f++) {
				cleanup_free char *name = text_of(p->kind->files[g][f], *n);
				cr_assert(buf_printf(&text, &e, "%s/%s\n", url, name) == 0);
			}
	return text_of("%s", buf_text(&text));
}

char *published_digests(const struct published *p, const char *url, const unsigned *kernels)
{
	cleanup_free char *list = published_list(p, url, kernels);
	cleanup_strv struct strv urls = { 0 };
	cleanup_buf struct buf text = { 0 };
	char *save = NULL;
	struct err e;

	for (char *line = strtok_r(list, "\n", &save); line && p->kind->digests; line = strtok_r(NULL, "\n", &save))
		cr_assert(strv_add(&urls, line, &e) == 0);
	strv_sort(&urls);
	for (size_t i = 0; i < urls.len; i++) {
		const char *name = urls.items[i] + strlen(url);
		cleanup_free char *here = text_of("%s%s", p->dir, name), *gone = text_of("%s.gone%s", p->dir, name);
		cleanup_free char *line = package_digest_line(file_is_there(here) ? here : gone, urls.items[i]);
		cr_assert(buf_puts(&text, line, &e) == 0);
	}
	return text_of("%s", buf_text(&text));
}
