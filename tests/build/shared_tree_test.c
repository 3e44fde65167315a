#include "build/shared_tree.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

/* The jobs of two flavours that share a package, and of another kernel. */
struct flavours {
	struct checkout checkout;
	struct inputs in;
	struct planner planner;
	struct plan plan;
	struct job *plain, *cloud, *other;
};

static void fill_digests(struct job *job)
{
	struct err e;

	free(job->package_digests);
	job->package_digests = calloc(job->kernel->package_count, sizeof(*job->package_digests));
	for (size_t i = 0; i < job->kernel->package_count; i++) {
		const char *url = job->kernel->packages[i].url;
		cr_assert_eq(digest_of(url, strlen(url), &job->package_digests[i], &e), 0);
	}
}

static void flavours_make(struct flavours *f)
{
	static const char *const names[] = { "example", NULL };

	memset(f, 0, sizeof(*f));
	checkout_make(&f->checkout);
	checkout_load(&f->checkout, &f->in, names);
	planner_open(&f->planner, &f->checkout, &f->in);
	planner_make(&f->planner, &f->in, &f->plan);
	f->plain = plan_job_of(&f->plan, "6.1.0-1-amd64");
	f->cloud = plan_job_of(&f->plan, "6.1.0-1-cloud-amd64");
	f->other = plan_job_of(&f->plan, "5.10.0-1-amd64");
	fill_digests(f->plain);
	fill_digests(f->cloud);
	fill_digests(f->other);
}

static void flavours_release(struct flavours *f)
{
	plan_release(&f->plan);
	planner_close(&f->planner);
	inputs_release(&f->in);
	checkout_remove(&f->checkout);
}

#define cleanup_flavours __attribute__((cleanup(flavours_release)))

static char *path_of(const struct job *job)
{
	struct err e;
	char *path = shared_tree_path(job, &e);

	cr_assert_not_null(path, "%s", e.message);
	return path;
}

Test(shared_tree, flavours_have_one_and_other_kernels_another)
{
	cleanup_flavours struct flavours f;
	struct err e;

	flavours_make(&f);
	cr_expect(shared_tree_wanted(f.plain->kernel));
	cleanup_free char *plain = path_of(f.plain), *cloud = path_of(f.cloud), *other = path_of(f.other);
	cr_expect_str_eq(plain, cloud);
	cr_expect_str_neq(plain, other);
	cr_expect(str_starts(plain, "/work/common_"), "%s", plain);
	cleanup_free char *first = shared_tree_need(f.plain, &e), *second = shared_tree_need(f.cloud, &e);
	cleanup_free char *third = shared_tree_need(f.other, &e);
	cr_expect_str_eq(first, second);
	cr_expect_str_neq(first, third);
}

static void shared_bytes(struct flavours *f)
{
	f->plain->package_digests[1].bytes[3] ^= 1;
}
static void own_bytes(struct flavours *f)
{
	f->plain->package_digests[0].bytes[3] ^= 1;
}
static void common_rule(struct flavours *f)
{
	struct err e;

	cr_assert_eq(strv_add(&f->in.distros.items[0].tree.drop, "usr/src/*/arch/*", &e), 0);
}
static void own_rule(struct flavours *f)
{
	struct err e;

	cr_assert_eq(strv_add(&f->in.distros.items[0].tree.drop, "usr/src/h-${release}/arch/*", &e), 0);
}

Test(shared_tree, path_changes_with_what_is_in_it_only)
{
	static const struct {
		const char *what;
		void (*change)(struct flavours *f);
		bool changes;
	} rows[] = {
		{ "a shared package", shared_bytes, true },
		{ "a package of its own", own_bytes, false },
		{ "a rule for all packages", common_rule, true },
		{ "a rule for the kernel's own", own_rule, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_flavours struct flavours f;
		flavours_make(&f);
		cleanup_free char *before = path_of(f.plain);
		rows[i].change(&f);
		cleanup_free char *after = path_of(f.plain);
		cr_expect_eq(strcmp(before, after) != 0, rows[i].changes, "%s", rows[i].what);
	}
}

Test(shared_tree, packages_are_its_own_or_shared)
{
	cleanup_flavours struct flavours f;
	static const int fds[] = { 41, 42 };
	struct package_part part;

	flavours_make(&f);
	package_part(f.plain->kernel, fds, false, &part);
	cr_assert_eq(part.count, 1);
	cr_expect_eq(part.fds[0], 41);
	cr_expect_str_eq(part.names[0], "h-6.1.0-1-amd64_6.1.4-1.deb");
	package_part(f.plain->kernel, fds, true, &part);
	cr_assert_eq(part.count, 1);
	cr_expect_eq(part.fds[0], 42);
	cr_expect_str_eq(part.names[0], "c-6.1.0-1_6.1.4-1.deb");
}
