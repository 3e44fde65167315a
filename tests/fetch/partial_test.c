#include "fetch/partial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static char dir[64], path[128], note[160], target[128];

static void make_dir(void)
{
	strcpy(dir, "/tmp/fetch-test.XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x", dir);
	snprintf(note, sizeof(note), "%s/x.from", dir);
	snprintf(target, sizeof(target), "%s/target", dir);
}

static void drop_dir(void)
{
	struct err e;
	cr_assert_eq(path_remove(dir, &e), 0);
}

TestSuite(partial, .init = make_dir, .fini = drop_dir);

static void fill(struct partial *p, const char *text)
{
	cr_assert_eq(pwrite(p->fd, text, strlen(text), (off_t)p->size), (ssize_t)strlen(text));
	p->size += strlen(text);
}

Test(partial, is_there_again_with_its_origin)
{
	struct partial p = { .fd = -1 };
	struct err e;

	cr_assert_eq(partial_open(&p, path, &e), 0, "%s", e.message);
	fill(&p, "half of it");
	cr_assert_eq(partial_note(&p, "http://a/x", "\"tag\"", &e), 0);
	partial_release(&p);

	cr_assert_eq(partial_open(&p, path, &e), 0);
	cr_expect_eq(p.size, 10);
	cr_expect_str_eq(p.url, "http://a/x");
	cr_expect_str_eq(p.validator, "\"tag\"");
	partial_release(&p);
}

Test(partial, only_one_holds_it)
{
	struct partial p = { .fd = -1 }, q = { .fd = -1 };
	struct err e;

	cr_assert_eq(partial_open(&p, path, &e), 0);
	cr_expect_eq(partial_open(&q, path, &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT);
	cr_expect_eq(q.fd, -1);
	fill(&p, "x");
	partial_release(&p);
	cr_expect_eq(partial_open(&q, path, &e), 0);
	cr_expect_eq(q.size, 1);
	partial_release(&q);
}

Test(partial, restart_leaves_the_old_file_to_its_holders_and_forgets_the_origin)
{
	struct partial p = { .fd = -1 };
	struct stat old_one, new_one;
	struct err e;

	cr_assert_eq(partial_open(&p, path, &e), 0);
	fill(&p, "old bytes");
	cr_assert_eq(partial_note(&p, "http://a/x", NULL, &e), 0);
	cleanup_close int held = dup(p.fd);
	cr_assert_eq(partial_restart(&p, &e), 0, "%s", e.message);
	cr_expect_eq(p.size, 0);
	cr_expect_null(p.url);
	cr_expect_eq(access(note, F_OK), -1, "the note has gone");
	cr_assert_eq(fstat(held, &old_one), 0);
	cr_assert_eq(fstat(p.fd, &new_one), 0);
	cr_expect_eq(old_one.st_size, 9);
	cr_expect_neq(old_one.st_ino, new_one.st_ino);
	partial_release(&p);
	cr_expect_eq(access(path, F_OK), -1, "an empty partial does not stay");
}

Test(partial, commit_moves_it_into_place)
{
	struct partial p = { .fd = -1 };
	struct stat st;
	struct err e;

	cr_assert_eq(partial_open(&p, path, &e), 0);
	fill(&p, "all of it");
	cr_assert_eq(partial_note(&p, "http://a/x", NULL, &e), 0);
	cr_assert_eq(partial_commit(&p, target, 0444, &e), 0, "%s", e.message);
	cr_expect_eq(p.fd, -1);
	cr_assert_eq(stat(target, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0444);
	cr_expect_eq(st.st_size, 9);
	cr_expect_eq(access(path, F_OK), -1);
	cr_expect_eq(access(note, F_OK), -1);
}

Test(partial, a_leftover_note_is_not_taken_for_new_bytes)
{
	struct partial p = { .fd = -1 };
	struct err e;

	cr_assert_eq(file_replace(note, "http://a/x\n\"tag\"\n", 17, 0666, &e), 0);
	cr_assert_eq(partial_open(&p, path, &e), 0);
	cr_expect_null(p.url);
	fill(&p, "other bytes");
	partial_release(&p);
	cr_assert_eq(partial_open(&p, path, &e), 0);
	cr_expect_null(p.url);
	partial_release(&p);
}

Test(partial, a_damaged_note_counts_as_unknown_origin)
{
	static const char *const notes[] = { "", "http://a/x", "http://a/x\n", "http://a/x\n\"ta" };
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		struct partial p = { .fd = -1 };
		cr_assert_eq(file_replace(path, "abc", 3, 0666, &e), 0);
		cr_assert_eq(file_replace(note, notes[i], strlen(notes[i]), 0666, &e), 0);
		cr_assert_eq(partial_open(&p, path, &e), 0, "%s", e.message);
		cr_expect_null(p.validator, "note %zu", i);
		partial_release(&p);
	}
}
