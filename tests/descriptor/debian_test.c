/* The committed descriptor, list and digests together. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "descriptor/distro.h"
#include "kernel/digests.h"
#include "kernel/list.h"
#include "kernel/version.h"

struct committed {
	struct distro distro;
	struct kernel_list list;
	struct kernel_set kernels;
};

static void committed_release(struct committed *c)
{
	kernel_set_release(&c->kernels);
	kernel_list_release(&c->list);
	distro_release(&c->distro);
}

static struct committed load_committed(void)
{
	struct err e = { 0 };
	struct committed c = { 0 };
	cr_assert_eq(distro_load("distros/debian.yaml", &c.distro, &e), 0, "%s", e.message);
	cr_assert_eq(kernel_list_load(c.distro.list, &c.list, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(kernel_group(&c.distro.kernel, &c.list, &c.kernels, &e), 0, "%s", e.message);
	return c;
}

#define cleanup_committed __attribute__((cleanup(committed_release)))

Test(debian, every_package_of_the_list_is_part_of_a_kernel)
{
	cleanup_committed struct committed c = load_committed();
	/* What is published in the archive and by security both is listed twice. */
	for (size_t i = 0; i < c.kernels.leftover_count; i++)
		cr_expect(str_starts(c.kernels.leftovers[i].reason, "the same package as in line "), "line %u: %s",
			  c.kernels.leftovers[i].line, c.kernels.leftovers[i].reason);
	cr_expect_geq(c.kernels.count, 90);
}

Test(debian, list_is_sorted)
{
	cleanup_committed struct committed c = load_committed();
	for (size_t i = 1; i < c.list.count; i++)
		cr_expect_lt(version_compare_natural(c.list.urls[i - 1].url, c.list.urls[i].url), 0, "line %u",
			     c.list.urls[i].line);
}

Test(debian, every_package_has_its_digest_and_a_mirror)
{
	struct err e = { 0 };
	cleanup_committed struct committed c = load_committed();
	cleanup_free char *path = digest_table_path(c.distro.list, &e);
	cleanup_of(digest_table) struct digest_table *digests = NULL;
	cr_assert_eq(digest_table_load(path, &digests, &e), 0, "%s", e.message);
	cr_expect_eq(digest_table_count(digests), c.list.count);
	for (size_t i = 0; i < c.list.count; i++) {
		cr_expect(digest_table_find(digests, c.list.urls[i].url), "%s has no digest", c.list.urls[i].url);
		bool found = false;
		for (size_t j = 0; j < c.distro.mirror_count; j++)
			for (size_t k = 0; k < c.distro.mirrors[j].urls.len; k++)
				found = found || str_starts(c.list.urls[i].url, c.distro.mirrors[j].urls.items[k]);
		cr_expect(found, "%s is on no mirror", c.list.urls[i].url);
	}
}

/* Breadth: the series, their flavours, and the compiler that each is believed to want. */
Test(debian, has_every_series_and_flavour)
{
	static const struct {
		const char *start, *end;
		unsigned gcc;
	} rows[] = {
		{ "5.10.0-", "-amd64", 10 },	  { "5.10.0-", "-cloud-amd64", 10 },  { "5.10.0-", "-rt-amd64", 10 },
		{ "6.1.0-", "-cloud-amd64", 12 }, { "6.1.0-", "-rt-amd64", 12 },      { "6.1.0-5", "-amd64", 12 },
		{ "6.12.", "+deb12-amd64", 12 },  { "6.12.", "+deb13-rt-amd64", 14 }, { "7.", "+deb13-cloud-amd64", 14 },
		{ "7.", "+deb14-rt-amd64", 16 },
	};
	struct err e = { 0 };
	cleanup_committed struct committed c = load_committed();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t found = 0;
		for (size_t j = 0; j < c.kernels.count; j++) {
			const char *release = c.kernels.kernels[j].release;
			if (!str_starts(release, rows[i].start) || !str_ends(release, rows[i].end))
				continue;
			unsigned gcc = 0;
			cr_assert_eq(distro_expected_gcc(&c.distro, release, &gcc, &e), 0, "%s", e.message);
			cr_expect(rows[i].gcc == 0 || gcc == rows[i].gcc, "'%s' expects gcc %u", release, gcc);
			found++;
		}
		cr_expect_gt(found, 0, "no %s*%s", rows[i].start, rows[i].end);
	}
}

static bool share(const struct kernel *a, const struct kernel *b)
{
	bool same = a->package_count == b->package_count;
	for (size_t i = 0; same && i < a->package_count; i++)
		same = !a->packages[i].shared || strcmp(a->packages[i].url, b->packages[i].url) == 0;
	return same;
}

/* Kernels are built in this order, so that what they share is soon needed no more. */
Test(debian, kernels_that_share_packages_are_neighbours)
{
	cleanup_committed struct committed c = load_committed();
	const struct kernel *kernels = c.kernels.kernels;
	size_t sharing = 0;
	for (size_t i = 0; i < c.kernels.count; i++) {
		cr_assert_eq(kernels[i].package_count, 3);
		cr_expect(!kernels[i].packages[0].shared && kernels[i].packages[1].shared && kernels[i].packages[2].shared);
		for (size_t j = i + 1; j < c.kernels.count; j++) {
			if (!share(&kernels[i], &kernels[j]))
				continue;
			sharing++;
			cr_expect(share(&kernels[i], &kernels[j - 1]), "'%s' stands between '%s' and '%s'", kernels[j - 1].id,
				  kernels[i].id, kernels[j].id);
		}
	}
	cr_expect_gt(sharing, 20);
}

#define H "http://ftp.debian.org/debian/pool/main/l/linux/"

/* What has gone wrong with such lists before: see each row's name. */
Test(debian, pairs_packages_as_their_dependencies_would)
{
	static const struct {
		const char *what, *list, *kernels;
	} rows[] = {
		{ "kbuild of a backport is not for the release of the same number",
		  H "linux-headers-6.1.0-48-amd64_6.1.172-1_amd64.deb\n" H "linux-headers-6.1.0-48-common_6.1.172-1_all.deb\n" H
		    "linux-kbuild-6.1_6.1.180-1~deb11u1_amd64.deb\n",
		  "" },
		{ "a later upload of the same backport is",
		  H "linux-headers-6.1.0-0.deb11.48-amd64_6.1.172-1~deb11u1_amd64.deb\n" H
		    "linux-headers-6.1.0-0.deb11.48-common_6.1.172-1~deb11u1_all.deb\n" H
		    "linux-kbuild-6.1_6.1.172-1~deb11u2_amd64.deb\n",
		  "6.1.0-0.deb11.48-amd64 " },
		{ "rt without its own common headers is incomplete up to 6.12",
		  H "linux-headers-6.12.9+deb13-rt-amd64_6.12.9-1_amd64.deb\n" H
		    "linux-headers-6.12.9+deb13-common_6.12.9-1_all.deb\n" H "linux-kbuild-6.12.9+deb13_6.12.9-1_amd64.deb\n",
		  "" },
		{ "and shares the common headers later",
		  H "linux-headers-7.2.9+deb14-rt-amd64_7.2.9-1_amd64.deb\n" H
		    "linux-headers-7.2.9+deb14-common_7.2.9-1_all.deb\n" H "linux-kbuild-7.2.9+deb14_7.2.9-1_amd64.deb\n",
		  "7.2.9+deb14-rt-amd64 " },
		{ "meta packages name no kernel",
		  H "linux-headers-6.1-amd64_6.1.180-1~deb11u1_amd64.deb\n" H "linux-headers-amd64_6.1.192-2_amd64.deb\n" H
		    "linux-headers-6.12-rt-amd64_6.12.117-1~deb12u1_amd64.deb\n" H "linux-kbuild-6.1_6.1.192-2_amd64.deb\n",
		  "" },
		{ "cloud and plain flavours share common headers and kbuild",
		  H "linux-headers-5.10.0-46-cloud-amd64_5.10.262-1_amd64.deb\n" H
		    "linux-headers-5.10.0-46-amd64_5.10.262-1_amd64.deb\n" H "linux-headers-5.10.0-46-common_5.10.262-1_all.deb\n" H
		    "linux-kbuild-5.10_5.10.262-1_amd64.deb\n",
		  "5.10.0-46-amd64 5.10.0-46-cloud-amd64 " },
	};
	struct err e = { 0 };
	cleanup_distro struct distro d = { 0 };
	cr_assert_eq(distro_load("distros/debian.yaml", &d, &e), 0, "%s", e.message);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_kernel_list struct kernel_list list = { 0 };
		cleanup_kernel_set struct kernel_set set = { 0 };
		cleanup_buf struct buf found = { 0 };
		cr_assert_eq(kernel_list_parse(rows[i].list, strlen(rows[i].list), "list", &list, NULL, &e), 0, "%s", e.message);
		cr_assert_eq(kernel_group(&d.kernel, &list, &set, &e), 0, "%s", e.message);
		for (size_t j = 0; j < set.count; j++)
			cr_assert_eq(buf_printf(&found, &e, "%s ", set.kernels[j].id), 0);
		cr_expect_str_eq(buf_text(&found), rows[i].kernels, "%s", rows[i].what);
	}
}
