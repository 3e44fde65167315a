#include "sign/sign.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../gate/fixture.h"
#include "../support/temp_dir.h"
#include "base/file.h"
#include "key_pair.h"
#include "stream/sink.h"

static const char *const program = "/proc/self/exe"; /* see main.c */

struct desk {
	struct temp_dir dir;
	struct signer *signer, *other;
	char path[160];
};

static struct signer *make_signer(const char *dir, const char *name)
{
	struct signer *signer = NULL;
	struct key_pair pair;
	struct err e = { 0 };

	key_pair_make(dir, &(struct key_spec){ .name = name, .type = "EC" }, &pair);
	const struct signer_options options = { .key = pair.key, .certificate = pair.certificate };
	cr_assert_eq(signer_open(&options, &signer, &e), 0, "%s", e.message);
	return signer;
}

/* With a module for 6.1.0-x called probe in the file. */
static void desk_make(struct desk *d, const char *name)
{
	cleanup_buf struct buf object = { 0 };
	struct err e = { 0 };

	*d = (struct desk){ .dir = { "" } };
	temp_dir_make(&d->dir);
	d->signer = make_signer(d->dir.path, "ours");
	d->other = make_signer(d->dir.path, "theirs");
	snprintf(d->path, sizeof(d->path), "%s/%s", d->dir.path, name);
	make_module(&object);
	cleanup_newfile struct newfile f = { .fd = -1 };
	cr_assert_eq(newfile_open(&f, d->path, 0444, &e), 0, "%s", e.message);
	struct sink *file = sink_to_fd(f.fd, &e), *packed = sink_gzip(file, 9, &e);
	struct sink *to = str_ends(name, ".gz") ? packed : file;
	cr_assert_eq(sink_write(to, object.data, object.len, &e), 0, "%s", e.message);
	cr_assert_eq(sink_finish(to, &e), 0);
	sink_free(packed);
	sink_free(file);
	cr_assert_eq(newfile_commit(&f, &e), 0, "%s", e.message);
}

static void desk_remove(struct desk *d)
{
	signer_free(d->signer);
	signer_free(d->other);
	temp_dir_remove(&d->dir);
}

#define cleanup_desk __attribute__((cleanup(desk_remove)))

static int run(struct desk *d, const struct signer *signer, const char *target, bool replace, enum sign_outcome *ret, struct err *e)
{
	const struct sign_request request = {
		.path = d->path, .target = target, .hash = "sha256", .replace = replace, .program = program
	};
	struct signature s;
	int rc = sign_file(signer, &request, ret, &s, e);

	cr_expect(rc < 0 || s.state == SIGNATURE_GOOD);
	return rc;
}

static enum signature_state state_of(const struct signer *signer, const char *path)
{
	struct signature s = { 0 };
	struct err e = { 0 };

	cr_assert_eq(sign_verify_file(signer_certificate(signer), path, program, &s, NULL, &e), 0, "%s", e.message);
	return s.state;
}

static void expect_no_partial(const char *path)
{
	DIR *d = opendir(path);

	cr_assert(d);
	for (const struct dirent *entry; (entry = readdir(d));)
		cr_expect_not(str_ends(entry->d_name, ".partial"), "%s", entry->d_name);
	closedir(d);
}

Test(sign, a_file_in_place_and_what_is_there_already)
{
	static const char *const names[] = { "probe-6.1.0-x.ko.gz", "probe-6.1.0-x.ko", "pro-be.ko" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_buf struct buf first = { 0 }, second = { 0 };
		cleanup_desk struct desk d;
		enum sign_outcome outcome;
		struct err e = { 0 };
		struct stat st;
		desk_make(&d, names[i]);
		cr_expect_eq(state_of(d.signer, d.path), SIGNATURE_NONE);
		cr_assert_eq(run(&d, d.signer, d.path, false, &outcome, &e), 0, "%s", e.message);
		cr_expect_eq(outcome, SIGN_SIGNED);
		cr_expect_eq(state_of(d.signer, d.path), SIGNATURE_GOOD);
		cr_expect(stat(d.path, &st) == 0 && (st.st_mode & 07777) == 0444, "mode %o", st.st_mode);
		cr_assert_eq(file_read(d.path, 1 << 20, &first, &e), 0);
		/* gzip without time and name, like the builds' own */
		cr_expect(!str_ends(names[i], ".gz") || memcmp(first.data, "\x1f\x8b\x08\0\0\0\0\0\x02\xff", 10) == 0);

		cr_assert_eq(run(&d, d.signer, d.path, false, &outcome, &e), 0, "%s", e.message);
		cr_expect_eq(outcome, SIGN_LEFT);
		cr_assert_eq(file_read(d.path, 1 << 20, &second, &e), 0);
		cr_expect(first.len == second.len && memcmp(first.data, second.data, first.len) == 0, "left as it is");

		cr_expect_eq(run(&d, d.other, d.path, false, &outcome, &e), -1);
		cr_expect_eq(e.kind, ERR_CONFLICT);
		cr_expect(strstr(e.message, "by another key, of 'ours'"), "%s", e.message);
		cr_expect_eq(state_of(d.signer, d.path), SIGNATURE_GOOD);

		cr_assert_eq(run(&d, d.other, d.path, true, &outcome, &e), 0, "%s", e.message);
		cr_expect_eq(outcome, SIGN_REPLACED);
		cr_expect_eq(state_of(d.other, d.path), SIGNATURE_GOOD);
		cr_expect_eq(state_of(d.signer, d.path), SIGNATURE_OTHER_KEY);
		expect_no_partial(d.dir.path);
	}
}

Test(sign, replacing_leaves_nothing_of_the_old_one)
{
	cleanup_buf struct buf object = { 0 }, bytes = { 0 };
	cleanup_desk struct desk d;
	enum sign_outcome outcome;
	struct err e = { 0 };

	desk_make(&d, "probe.ko");
	make_module(&object);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(run(&d, i % 2 ? d.other : d.signer, d.path, true, &outcome, &e), 0, "%s", e.message);
		cr_expect_eq(outcome, i ? SIGN_REPLACED : SIGN_SIGNED);
	}
	cr_assert_eq(file_read(d.path, 1 << 20, &bytes, &e), 0);
	const char *magic = memmem(bytes.data, bytes.len, "~Module signature", 17);
	cr_expect(magic && !memmem(magic + 1, bytes.len - (size_t)(magic + 1 - bytes.data), "~Module signature", 17));
	cr_expect_arr_eq(bytes.data, object.data, object.len);
}

Test(sign, to_another_place)
{
	cleanup_buf struct buf before = { 0 }, after = { 0 };
	cleanup_desk struct desk d;
	enum sign_outcome outcome;
	struct err e = { 0 };
	char target[160];

	desk_make(&d, "probe-6.1.0-x.ko.gz");
	snprintf(target, sizeof(target), "%s/signed.ko.gz", d.dir.path);
	cr_assert_eq(file_read(d.path, 1 << 20, &before, &e), 0);
	cr_assert_eq(run(&d, d.signer, target, false, &outcome, &e), 0, "%s", e.message);
	cr_expect_eq(state_of(d.signer, target), SIGNATURE_GOOD);
	cr_assert_eq(file_read(d.path, 1 << 20, &after, &e), 0);
	cr_expect(before.len == after.len && memcmp(before.data, after.data, before.len) == 0, "the original stays");
	/* What is signed already is copied. */
	cr_assert_eq(rename(target, d.path), 0);
	cr_assert_eq(run(&d, d.signer, target, false, &outcome, &e), 0, "%s", e.message);
	cr_expect_eq(outcome, SIGN_LEFT);
	cr_expect_eq(state_of(d.signer, target), SIGNATURE_GOOD);
	/* Where nothing can be written. */
	cr_expect_eq(run(&d, d.signer, "/proc/signed.ko.gz", false, &outcome, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM, "%s", e.message);
}

Test(sign, what_is_refused_stays_untouched)
{
	static const struct {
		const char *name, *release;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "probe-6.1.0-y.ko.gz", NULL, ERR_CHECK, "vermagic: expected 6.1.0-y by the file's name" },
		{ "probe-6.1.0-x-cloud.ko", NULL, ERR_CHECK, "vermagic: expected 6.1.0-x-cloud by the file's name" },
		{ "probe-6.1.0.ko", NULL, ERR_CHECK, "vermagic: expected 6.1.0 by the file's name" },
		{ "probe-6.1.0-x.ko.gz", "6.1.0-y", ERR_CHECK, "vermagic: expected 6.1.0-y, found 6.1.0-x SMP" },
		{ "probe-6.1.0-x.o", NULL, ERR_USAGE, "*.ko or *.ko.gz" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_desk struct desk d;
		enum sign_outcome outcome;
		struct err e = { 0 };
		struct signature s;
		struct stat before, after;
		desk_make(&d, rows[i].name);
		const struct sign_request request = { .path = d.path,
						      .target = d.path,
						      .expect = { .release = rows[i].release },
						      .hash = "sha256",
						      .program = program };
		cr_assert_eq(stat(d.path, &before), 0);
		cr_expect_eq(sign_file(d.signer, &request, &outcome, &s, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s", i, e.message);
		cr_expect(strstr(e.message, rows[i].text), "row %zu: %s", i, e.message);
		cr_expect(stat(d.path, &after) == 0 && before.st_ino == after.st_ino, "row %zu", i);
		expect_no_partial(d.dir.path);
	}
}

Test(sign, links_and_what_is_no_file)
{
	cleanup_desk struct desk d;
	char link[160], pipe[160];
	enum sign_outcome outcome;
	struct err e = { 0 };

	desk_make(&d, "probe-6.1.0-x.ko.gz");
	snprintf(link, sizeof(link), "%s/link.ko.gz", d.dir.path);
	snprintf(pipe, sizeof(pipe), "%s/pipe.ko", d.dir.path);
	cr_assert(symlink(d.path, link) == 0 && mkfifo(pipe, 0600) == 0);
	strcpy(d.path, link);
	cr_expect_eq(run(&d, d.signer, link, false, &outcome, &e), -1);
	cr_expect_eq(e.kind, ERR_USAGE, "%s", e.message);
	strcpy(d.path, pipe);
	cr_expect_eq(run(&d, d.signer, link, false, &outcome, &e), -1, "and it does not wait for a writer");
	cr_expect_eq(e.kind, ERR_USAGE, "%s", e.message);
	unlink(link);
	strcpy(d.path, link);
	cr_expect_eq(run(&d, d.signer, pipe, false, &outcome, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
}

Test(sign, a_cancelled_run_writes_nothing)
{
	cleanup_desk struct desk d;
	struct cancel cancel;
	enum sign_outcome outcome;
	struct signature s;
	struct err e = { 0 };

	desk_make(&d, "probe-6.1.0-x.ko.gz");
	cr_assert_eq(cancel_init(&cancel, &e), 0);
	cancel_set(&cancel);
	const struct sign_request request = {
		.path = d.path, .target = d.path, .hash = "sha256", .program = program, .cancel = &cancel
	};
	cr_expect_eq(sign_file(d.signer, &request, &outcome, &s, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_eq(state_of(d.signer, d.path), SIGNATURE_NONE);
	cancel_release(&cancel);
}
