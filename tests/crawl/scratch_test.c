#include "crawl/scratch.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

Test(scratch, goes_with_its_owner)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_free char *path = NULL;
	struct scratch s;
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *parent = path_join(dir.path, "a/b", &e);
	cr_assert_eq(scratch_open(&s, parent, &e), 0, "%s", e.message);
	path = strdup(s.path);
	cleanup_free char *file = path_join(path, "file", &e);
	cr_assert_eq(file_replace(file, "x", 1, 0666, &e), 0);
	scratch_release(&s);
	cr_expect_eq(path_exists(path, &e), 0);
	scratch_release(&s);
}

Test(scratch, what_the_dead_left_goes_and_what_the_living_have_stays)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_scratch struct scratch living = { .fd = -1 }, next = { .fd = -1 };
	struct err e;

	temp_dir_make(&dir);
	cr_assert_eq(scratch_open(&living, dir.path, &e), 0, "%s", e.message);
	cleanup_free char *dead = path_join(dir.path, "run.dead", &e), *other = path_join(dir.path, "other", &e);
	cr_assert_eq(mkdir(dead, 0777) | mkdir(other, 0777), 0);
	cr_assert_eq(scratch_open(&next, dir.path, &e), 0, "%s", e.message);
	cr_expect_eq(path_exists(dead, &e), 0);
	cr_expect_eq(path_exists(living.path, &e), 1);
	cr_expect_eq(path_exists(other, &e), 1, "not one of ours");
	cr_expect_str_neq(living.path, next.path);
}
