#include "cache/artifact.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"

static char dir[64];
static struct artifact_store *store;
static struct buf lines;
static struct err e;
static struct digest key;

static void write_line(void *context, enum log_level level, const char *line)
{
	(void)context, (void)level;
	cr_assert_eq(buf_printf(&lines, NULL, "%s\n", line), 0);
}

static struct log logger = { .write = write_line, .level = LOG_WARNING };

static void set_up(void)
{
	strcpy(dir, "/tmp/cache-test.XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(artifact_store_open(dir, &logger, &store, &e), 0, "%s", e.message);
	key = digest_of_text("a build key");
}

static void tear_down(void)
{
	artifact_store_close(store);
	buf_release(&lines);
	cr_assert_eq(path_remove(dir, &e), 0);
}

TestSuite(artifact, .init = set_up, .fini = tear_down, .timeout = 120);

static int put_or_replace(const char *bytes, const char *meta, bool replace, struct artifact *ret)
{
	cleanup_of(artifact_draft) struct artifact_draft *d = NULL;

	cr_assert_eq(artifact_draft_new(store, &key, &d, &e), 0, "%s", e.message);
	if (replace)
		artifact_draft_replace(d);
	cr_assert_eq(fd_write_all(artifact_draft_fd(d), bytes, strlen(bytes), &e), 0);
	return artifact_draft_commit(d, meta, ret, &e);
}

static int put(const char *bytes, const char *meta, struct artifact *ret)
{
	return put_or_replace(bytes, meta, false, ret);
}

static int open_and_read(char *ret, size_t room)
{
	cleanup_artifact struct artifact a = { .fd = -1 };
	int got = artifact_open(store, &key, &a, &e);

	if (got <= 0)
		return got;
	ssize_t n = read(a.fd, ret, room - 1);
	cr_assert_geq(n, 0);
	ret[n] = '\0';
	return 1;
}

Test(artifact, comes_back_under_its_key)
{
	cleanup_artifact struct artifact a = { .fd = -1 }, made = { .fd = -1 };
	struct digest expected = digest_of_text("object bytes"), other = digest_of_text("another key");
	char text[64];

	cr_expect_eq(artifact_lookup(store, &key, &a, &e), 0);
	cr_assert_eq(put("object bytes", "{\"uname\": \"6.1\", \"kind\": [1, 2]}", &made), 0, "%s", e.message);
	cr_assert_eq(artifact_lookup(store, &key, &a, &e), 1, "%s", e.message);
	cr_expect(digest_equal(&a.digest, &expected));
	cr_expect_eq(a.size, 12);
	cr_expect_eq(a.fd, -1);
	cr_expect_str_eq(a.meta, "{\"kind\":[1,2],\"uname\":\"6.1\"}");
	cr_expect_str_eq(made.path, a.path);
	cr_expect(str_ends(a.path, "/object.gz"));
	cr_expect_eq(open_and_read(text, sizeof(text)), 1);
	cr_expect_str_eq(text, "object bytes");
	cr_expect_eq(artifact_lookup(store, &other, &made, &e), 0);
	cr_expect_eq(count_files(dir, "artifacts/tmp", ""), 0);
}

Test(artifact, the_first_of_two_stays)
{
	char text[64];

	cr_assert_eq(put("first", "{}", NULL), 0);
	cr_assert_eq(put("second", "{}", NULL), 0, "%s", e.message);
	cr_expect_eq(open_and_read(text, sizeof(text)), 1);
	cr_expect_str_eq(text, "first");
	cr_expect_eq(count_files(dir, "artifacts/tmp", ""), 0);
}

Test(artifact, replacing_puts_the_second_in_the_place_of_the_first)
{
	static const char *const texts[] = { "first", "second", "second", "3" };
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_artifact struct artifact made = { .fd = -1 }, a = { .fd = -1 };
		struct digest expected = digest_of_text(texts[i]);
		cr_assert_eq(put_or_replace(texts[i], i ? "{\"again\": true}" : "{}", true, &made), 0, "%s", e.message);
		cr_expect(digest_equal(&made.digest, &expected), "row %zu", i);
		cr_assert_eq(artifact_lookup(store, &key, &a, &e), 1);
		cr_expect_str_eq(a.meta, i ? "{\"again\":true}" : "{}", "the meta is the new one's too");
		cr_expect_eq(open_and_read(text, sizeof(text)), 1);
		cr_expect_str_eq(text, texts[i]);
		cr_expect_eq(count_files(dir, "artifacts/tmp", ""), 0, "row %zu", i);
	}
	cr_expect_eq(count_files(dir, "artifacts", "object.gz"), 1);
	cr_expect_eq(count_files(dir, "artifacts/bad", ""), 0);
	cr_expect_eq(lines.len, 0, "%s", buf_text(&lines));
}

Test(artifact, what_could_not_be_made_replaces_nothing)
{
	char text[64];

	cr_assert_eq(put("first", "{}", NULL), 0);
	cr_expect_eq(put_or_replace("", "{}", true, NULL), -1);
	cr_expect_eq(put_or_replace("second", "no json", true, NULL), -1);
	cr_expect_eq(open_and_read(text, sizeof(text)), 1);
	cr_expect_str_eq(text, "first");
	cr_expect_eq(count_files(dir, "artifacts/tmp", ""), 0);
}

Test(artifact, what_must_not_get_in)
{
	struct artifact a = { .fd = -1 };

	cr_expect_eq(put("", "{}", NULL), -1);
	cr_expect_eq(e.kind, ERR_CHECK);
	cr_expect_eq(put("x", "no json", NULL), -1);
	cr_expect_eq(e.kind, ERR_USAGE);
	cr_expect_eq(put("x", "[1]", NULL), -1);
	cr_expect_eq(e.kind, ERR_USAGE);
	cr_expect_eq(artifact_lookup(store, &key, &a, &e), 0);
	cr_expect_eq(count_files(dir, "artifacts", ""), 0);
}

/* Each way of being damaged: set aside with a warning, missing from then on, and room for a new one. */
Test(artifact, damaged_ones_are_set_aside)
{
	static const struct {
		const char *file, *bytes, *message;
		bool seen_by_lookup;
	} rows[] = {
		{ "object.gz", "obJect bytes", "its sha256 is ", false },
		{ "object.gz", "obj", "its size is 3 bytes, expected 12", true },
		{ "object.gz", "", "its size is 0 bytes, expected 12", true },
		{ "meta.json", "{\"meta\": {}", "no JSON", true },
		{ "meta.json", "{\"meta\": {}, \"size\": 12}", "sha256", true },
		{ "meta.json", NULL, "meta.json", true },
		{ "object.gz", NULL, "object.gz", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct artifact a = { .fd = -1 };
		char text[64];
		cr_assert_eq(put("object bytes", "{}", NULL), 0, "row %zu: %s", i, e.message);
		cleanup_free char *file = find_file(dir, "artifacts", rows[i].file);
		if (rows[i].bytes)
			tamper(file, rows[i].bytes, strlen(rows[i].bytes));
		else
			cr_assert_eq(unlink(file), 0);
		buf_clear(&lines);
		int looked = artifact_lookup(store, &key, &a, &e);
		artifact_release(&a);
		cr_expect_eq(looked, !rows[i].seen_by_lookup, "row %zu", i);
		cr_expect_eq(open_and_read(text, sizeof(text)), 0, "row %zu", i);
		cr_expect(strstr(buf_text(&lines), "is damaged and counts as missing"), "row %zu: %s", i, buf_text(&lines));
		cr_expect(strstr(buf_text(&lines), rows[i].message), "row %zu: %s", i, buf_text(&lines));
		cr_expect_eq(count_files(dir, "artifacts/bad", ".reason"), 1, "row %zu", i);
		cleanup_free char *bad = path_join(dir, "artifacts/bad", &e);
		cr_assert_eq(path_remove(bad, &e), 0);
	}
}

Test(artifact, a_damaged_one_gives_way_to_a_new_one)
{
	char text[64];

	cr_assert_eq(put("object bytes", "{}", NULL), 0);
	cleanup_free char *file = find_file(dir, "artifacts", "object.gz");
	tamper(file, "obJect bytes", 12);
	cr_assert_eq(put("object bytes", "{}", NULL), 0, "%s", e.message);
	cr_expect_eq(open_and_read(text, sizeof(text)), 1);
	cr_expect_str_eq(text, "object bytes");
}

Test(artifact, old_drafts_are_swept_young_ones_stay)
{
	cleanup_free char *old = path_join(dir, "artifacts/tmp/old", &e), *young = path_join(dir, "artifacts/tmp/young", &e);
	struct artifact_store *again = NULL;
	struct timeval times[2] = { { .tv_sec = time(NULL) - 2 * 24 * 3600 }, { .tv_sec = time(NULL) - 2 * 24 * 3600 } };

	cr_assert_eq(mkdir(old, 0777) + mkdir(young, 0777), 0);
	cr_assert_eq(utimes(old, times), 0);
	cr_assert_eq(artifact_store_open(dir, NULL, &again, &e), 0);
	cr_expect_eq(access(old, F_OK), -1);
	cr_expect_eq(access(young, F_OK), 0);
	artifact_store_close(again);
}

/* Killed at any moment, a replacing writer leaves the old one, the new one, or nothing. */
Test(artifact, killed_while_replacing_leaves_a_whole_one_or_none)
{
	static char big[400001];
	size_t fresh = 0;

	for (int round = 0; round < 30; round++) {
		memset(big, 'o', 400000);
		cr_assert_eq(put_or_replace(big, "{}", true, NULL), 0, "%s", e.message);
		memset(big, 'n', 400000);
		pid_t child = fork();
		cr_assert_geq(child, 0);
		if (child == 0)
			_exit(put_or_replace(big, "{}", true, NULL) < 0);
		usleep((useconds_t)round * 150);
		kill(child, SIGKILL);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		struct artifact a = { .fd = -1 };
		int got = artifact_open(store, &key, &a, &e);
		char letter = '-';
		cr_expect_geq(got, 0, "%s", e.message);
		if (got == 1)
			cr_expect_eq(read(a.fd, &letter, 1), 1);
		cr_expect(got == 0 || letter == 'o' || letter == 'n');
		fresh += letter == 'n';
		artifact_release(&a);
	}
	cr_expect_eq(count_files(dir, "artifacts/bad", ""), 0, "%s", buf_text(&lines));
	cr_log_info("%zu of 30 were replaced", fresh);
}

/* Writers that are killed at any moment leave either a whole artifact or none. */
Test(artifact, killed_writers_leave_all_or_nothing)
{
	char *big = calloc(1, 400000);
	size_t whole = 0;

	for (int round = 0; round < 30; round++) {
		char name[32];
		snprintf(name, sizeof(name), "round %d", round);
		key = digest_of_text(name);
		pid_t child = fork();
		cr_assert_geq(child, 0);
		if (child == 0) {
			struct artifact_draft *d = NULL;
			if (artifact_draft_new(store, &key, &d, &e) < 0 || fd_write_all(artifact_draft_fd(d), big, 400000, &e) < 0)
				_exit(1);
			_exit(artifact_draft_commit(d, "{}", NULL, &e) < 0);
		}
		usleep((useconds_t)round * 150);
		kill(child, SIGKILL);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		struct artifact a = { .fd = -1 };
		int got = artifact_open(store, &key, &a, &e);
		cr_expect_geq(got, 0, "%s", e.message);
		cr_expect(got == 0 || a.size == 400000);
		whole += got == 1;
		artifact_release(&a);
	}
	cr_expect_eq(count_files(dir, "artifacts/bad", ""), 0, "%s", buf_text(&lines));
	cr_log_info("%zu of 30 were whole", whole);
	free(big);
}
