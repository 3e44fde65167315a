/* What rclone may do to us, by a script that stands in its place. And how places are understood. */
#include "cache/rclone.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cache/bucket.h"

static struct temp_dir dir;
static struct cancel cancel;
static struct err e;

static void set_up(void)
{
	temp_dir_make(&dir);
	cr_assert_eq(cancel_init(&cancel, &e), 0);
}

static void tear_down(void)
{
	cancel_release(&cancel);
	temp_dir_remove(&dir);
}

TestSuite(rclone, .init = set_up, .fini = tear_down, .timeout = 120);

/* From here on `rclone` is this script. */
static void stand_in(const char *script)
{
	cleanup_free char *path = path_join(dir.path, "rclone", &e);
	cleanup_free char *text = str_printf(&e, "#!/bin/sh\n%s\n", script);
	cleanup_free char *variable = str_printf(&e, "%s:%s", dir.path, getenv("PATH"));

	cr_assert_eq(file_replace(path, text, strlen(text), 0755, &e), 0, "%s", e.message);
	cr_assert_eq(chmod(path, 0755), 0);
	cr_assert_eq(setenv("PATH", variable, 1), 0);
}

struct heard {
	struct strv copied, lines, damaged;
	uint64_t done, total;
};

static void on_copied(void *context, const char *name)
{
	cr_assert_eq(strv_add(&((struct heard *)context)->copied, name, &e), 0);
}

static void on_damaged(void *context, const char *name, const char *why)
{
	(void)why;
	cr_assert_eq(strv_add(&((struct heard *)context)->damaged, name, &e), 0);
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	((struct heard *)context)->done = done;
	((struct heard *)context)->total = total;
}

static int on_line(void *context, char *line, struct err *err)
{
	return strv_add(&((struct heard *)context)->lines, line, err);
}

static int run(struct heard *h, const struct strv *names)
{
	static const char *const arguments[] = { "copy", "a", "b", NULL };
	const struct rclone_events events = {
		.copied = on_copied, .progress = on_progress, .line = on_line, .damaged = on_damaged, .context = h
	};
	struct rclone r;

	strv_release(&h->copied);
	strv_release(&h->lines);
	strv_release(&h->damaged);
	*h = (struct heard){ 0 };
	cr_assert_eq(rclone_init(&r, NULL, &cancel, &e), 0);
	int result = rclone_run(&r, arguments, names, &events, &e);
	rclone_release(&r);
	return result;
}

static void forget(struct heard *h)
{
	strv_release(&h->copied);
	strv_release(&h->lines);
	strv_release(&h->damaged);
}

Test(rclone, its_log_is_understood)
{
	struct heard h = { 0 };

	stand_in(
		"echo '2026/01/02 03:04:05 NOTICE: no config file' >&2\n"
		"echo '{\"level\":\"info\",\"msg\":\"Copied (new)\",\"object\":\"sha256/ab/cd\"}' >&2\n"
		"echo '{\"level\":\"info\",\"msg\":\"Moved (server-side)\",\"object\":\"x\"}' >&2\n"
		"echo '{\"level\":\"info\",\"msg\":\"There was nothing to transfer\"}' >&2\n"
		"printf '%s\\n' '{\"level\":\"info\",\"msg\":\"\\nTransferred\",\"stats\":{\"bytes\":12,\"totalBytes\":34,\"eta\":null}}' >&2\n"
		"echo 'one line'; printf 'and one without end'");
	cr_assert_eq(run(&h, NULL), 0, "%s", e.message);
	cr_assert_eq(h.copied.len, 2);
	cr_expect_str_eq(h.copied.items[0], "sha256/ab/cd");
	cr_expect_eq(h.done, 12);
	cr_expect_eq(h.total, 34);
	cr_assert_eq(h.lines.len, 2);
	cr_expect_str_eq(h.lines.items[1], "and one without end");
	forget(&h);
}

Test(rclone, its_last_complaint_is_the_reason)
{
	static const struct {
		const char *script;
		int result;
		const char *says;
	} rows[] = {
		{ "echo '{\"level\":\"error\",\"msg\":\"403 Forbidden\",\"object\":\"a/b\"}' >&2; exit 1", -1,
		  "'rclone' exited with code 1: a/b: 403 Forbidden" },
		{ "echo '2026/01/02 03:04:05 Failed to copy: it is broken' >&2; exit 6", -1,
		  "code 6: Failed to copy: it is broken" },
		{ "exit 5", -1, "'rclone' exited with code 5" },
		{ "kill -9 $$", -1, "'rclone' was ended by signal 9" },
		{ "exit 3", 1, NULL },
		{ "head -c 3000000 /dev/zero | tr '\\0' x >&2; sleep 60", -1, "a line of more than" },
		{ "head -c 3000000 /dev/zero | tr '\\0' x; sleep 60", -1, "a line of more than" },
	};
	struct heard h = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stand_in(rows[i].script);
		cr_expect_eq(run(&h, NULL), rows[i].result, "row %zu: %s", i, e.message);
		cr_expect(!rows[i].says || strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
	}
	forget(&h);
}

/* A file that its own store says is damaged is not the end of the run; whatever else goes wrong is. */
Test(rclone, damaged_files_are_named)
{
#define DAMAGED                                                                                                                    \
	"echo '{\"level\":\"error\",\"msg\":\"corrupted on transfer: md5 hash differ\",\"object\":\"a/b\"}' >&2\n"                 \
	"echo '{\"level\":\"error\",\"msg\":\"Attempt 1/3 failed with 1 errors and: corrupted on transfer: md5\"}' >&2\n"
	static const struct {
		const char *script;
		int result;
		size_t damaged;
	} rows[] = {
		{ DAMAGED "exit 1", 0, 1 },
		{ DAMAGED "echo '{\"level\":\"error\",\"msg\":\"403 Forbidden\",\"object\":\"c\"}' >&2; exit 1", -1, 1 },
		{ DAMAGED "kill -9 $$", -1, 1 },
		{ "echo '{\"level\":\"error\",\"msg\":\"Failed to copy: corrupted on transfer\"}' >&2; exit 1", -1, 0 },
	};
	struct heard h = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stand_in(rows[i].script);
		cr_expect_eq(run(&h, NULL), rows[i].result, "row %zu: %s", i, e.message);
		cr_expect_eq(h.damaged.len, rows[i].damaged, "row %zu", i);
		cr_expect(!h.damaged.len || strcmp(h.damaged.items[0], "a/b") == 0);
	}
	forget(&h);
}

/* More names than a pipe takes, given to one that reads late, to one that never does, and to one that ends at once. */
Test(rclone, names_go_in_by_stdin)
{
	cleanup_strv struct strv names = { 0 };
	struct heard h = { 0 };

	for (int i = 0; i < 20000; i++)
		cr_assert_eq(strv_take(&names, str_printf(&e, "sha256/ab/%064d", i), &e), 0);
	stand_in("head -c 200000 /dev/zero | tr '\\0' '\\n' >&2; wc -l");
	cr_assert_eq(run(&h, &names), 0, "%s", e.message);
	cr_assert_eq(h.lines.len, 1);
	cr_expect_eq(atoi(h.lines.items[0]), 20000);
	stand_in("exec <&-; exit 0");
	cr_expect_eq(run(&h, &names), 0, "%s", e.message);
	stand_in("exit 4");
	cr_expect_eq(run(&h, &names), -1);
	forget(&h);
}

Test(rclone, a_missing_program_is_one_clear_line)
{
	struct heard h = { 0 };

	cr_assert_eq(setenv("PATH", dir.path, 1), 0);
	cr_expect_eq(run(&h, NULL), -1);
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect(strstr(e.message, "'rclone', which is not installed") && !strchr(e.message, '\n'), "%s", e.message);
}

Test(rclone, a_cancel_ends_it)
{
	struct heard h = { 0 };

	stand_in("sleep 60");
	cancel_set(&cancel);
	cr_expect_eq(run(&h, NULL), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
}

/* The script prints what it was given. */
static void expect_root(const char *given, const char *root, const char *shown)
{
	struct bucket *b = NULL;
	cleanup_free char *log = path_join(dir.path, "words", &e);
	cleanup_buf struct buf text = { 0 };

	cr_assert_eq(bucket_new(given, NULL, NULL, &b, &e), 0, "%s: %s", given, e.message);
	cr_expect_str_eq(bucket_shown(b), shown);
	cr_expect_eq(bucket_exists(b, &e), 1, "%s", e.message);
	cr_assert_eq(file_read(log, 10000, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text), root, "%s", given);
	bucket_free(b);
}

Test(rclone, places)
{
	static const struct {
		const char *given, *root, *shown;
	} rows[] = {
		{ "/srv/bucket/", "/srv/bucket", "/srv/bucket/" },
		{ "relative/dir", "relative/dir", "relative/dir" },
		{ "remote:", "remote:", "remote:" },
		{ "remote:a/b", "remote:a/b", "remote:a/b" },
		{ "gs://bucket/path", ":gcs,env_auth=true,no_check_bucket=true,bucket_policy_only=true:bucket/path",
		  "gs://bucket/path" },
		{ "s3://bucket", ":s3,env_auth=true,no_check_bucket=true,provider=AWS:bucket", "s3://bucket" },
		{ ":s3,secret_access_key=hush:b/p", "orchestrateplace:", ":s3,...:b/p" },
		{ ":http,url=\"https://u:p@h/x\":", "orchestrateplace:", ":http,...:" },
	};
	cleanup_free char *script = str_printf(&e, "printf %%s \"$2\" >%s/words", dir.path);

	unsetenv("RCLONE_S3_PROVIDER");
	stand_in(script);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_root(rows[i].given, rows[i].root, rows[i].shown);
	cr_assert_eq(setenv("RCLONE_S3_PROVIDER", "Minio", 1), 0);
	expect_root("s3://b/p", ":s3,env_auth=true,no_check_bucket=true:b/p", "s3://b/p");
}

/* Everybody may read a program's arguments. */
Test(rclone, secrets_are_no_arguments)
{
	static const char place[] = ":s3,secret_access_key=hush:b/p";
	cleanup_free char *script =
		str_printf(&e, "printf '%%s|' \"$@\" \"$RCLONE_CONFIG_ORCHESTRATEPLACE_REMOTE\" >%s/words", dir.path);
	cleanup_free char *words = path_join(dir.path, "words", &e);
	cleanup_buf struct buf text = { 0 };
	struct bucket *b = NULL;

	stand_in(script);
	cr_assert_eq(bucket_new(place, NULL, NULL, &b, &e), 0);
	cr_assert_eq(bucket_exists(b, &e), 1, "%s", e.message);
	cr_assert_eq(file_read(words, 1 << 16, &text, &e), 0);
	char *found = strstr(buf_text(&text), place);
	cr_assert(found, "rclone is told of the place");
	cr_expect_str_eq(found + strlen(place), "|", "but by its environment only");
	bucket_free(b);
}

Test(rclone, places_that_are_none)
{
	static const char *const rows[] = { "", "--config=x", "gs://", "s3:///x", "ftp://host/x", "https://host/x" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bucket *b = NULL;
		cr_expect_eq(bucket_new(rows[i], NULL, NULL, &b, &e), -1, "%s", rows[i]);
		cr_expect_eq(e.kind, ERR_USAGE);
	}
}

/* Whatever of it rclone says, it goes no further. */
Test(rclone, secrets_are_not_repeated)
{
	struct bucket *b = NULL;

	stand_in("echo '2026/01/02 03:04:05 Failed: \":s3,access_key_id=AKIAXXXX,secret_access_key=\"hush:hush,x\":b/p\"' >&2\n"
		 "echo '{\"level\":\"error\",\"msg\":\"key hush:hush,x of AKIAXXXX is wrong\"}' >&2; exit 1");
	cr_assert_eq(bucket_new(":s3,access_key_id=AKIAXXXX,secret_access_key=\"hush:hush,x\":b/p", NULL, NULL, &b, &e), 0);
	cr_expect_str_eq(bucket_shown(b), ":s3,...:b/p");
	cr_expect_eq(bucket_exists(b, &e), -1);
	cr_expect(!strstr(e.message, "hush") && !strstr(e.message, "AKIA"), "%s", e.message);
	cr_expect(strstr(e.message, "key ... of ... is wrong"), "%s", e.message);
	bucket_free(b);
}
