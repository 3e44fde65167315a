#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "build/output.h"
#include "fixture.h"

DEFINE_CLEANUP(output, struct output, output_free)

/* An output tree below a temporary directory, and a place for what is put into it. */
struct place {
	struct temp_dir dir;
	char out[128], store[128], path[256];
};

static void place_make(struct place *p)
{
	struct err e;

	temp_dir_make(&p->dir);
	snprintf(p->out, sizeof(p->out), "%s/out", p->dir.path);
	snprintf(p->store, sizeof(p->store), "%s/store", p->dir.path);
	cr_assert_eq(path_make_dirs(p->store, &e), 0);
}

static void place_remove(struct place *p)
{
	temp_dir_remove(&p->dir);
}

#define cleanup_place __attribute__((cleanup(place_remove)))

static struct output *open_output(struct place *p, const char *version)
{
	struct output *o = NULL;
	struct err e;

	cr_assert_eq(output_open(p->out, "example", version, OUTPUT_FILL, NULL, &o, &e), 0, "%s", e.message);
	return o;
}

/* A path below kernel-modules. Borrowed until the next call. */
static const char *module_path(struct place *p, const char *name)
{
	snprintf(p->path, sizeof(p->path), "%s/kernel-modules/%s", p->out, name);
	return p->path;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* A file in the store that holds text, as old as its name is long: what is written within a clock's tick has equal time stamps,
 * which no build is fast enough for. Caller frees its path. */
static char *stored(struct place *p, const char *name, const char *text)
{
	const struct timespec then = { .tv_sec = 1577836800 + (time_t)strlen(name) }, times[2] = { then, then };
	struct err e;
	char *path = path_join(p->store, name, &e);

	write_all(path, text);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	return path;
}

static void put(struct output *o, const char *kernel, enum probe_kind_id kind, const char *path)
{
	struct err e;
	cleanup_close int from = file_open(path, &e);

	cr_assert_geq(from, 0, "%s", e.message);
	cr_assert_eq(output_put_object(o, kernel, kind, from, &e), 0, "%s", e.message);
}

Test(output, names_are_the_contract)
{
	static const struct {
		enum probe_kind_id kind;
		const char *object, *marker;
	} rows[] = {
		{ KIND_MOD, "example-6.1.0-1-amd64.ko.gz", ".example-6.1.0-1-amd64.unavail" },
		{ KIND_BPF, "example-ebpf-6.1.0-1-amd64.o.gz", ".example-ebpf-6.1.0-1-amd64.unavail" },
	};
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "bytes");
	struct err e;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *name = output_object_name("example", "6.1.0-1-amd64", rows[i].kind, &e);
		cr_expect_str_eq(name, rows[i].object);
		cr_assert_eq(output_put_unavailable(o, "6.1.0-1-amd64", rows[i].kind, &e), 0);
		cr_assert_eq(lstat(module_path(&p, rows[i].marker), &st), 0);
		cr_expect_eq(st.st_size, 0);
		put(o, "6.1.0-1-amd64", rows[i].kind, object);
		cr_expect_not(is_there(module_path(&p, rows[i].marker)), "the object takes the marker's place");
		cleanup_free char *text = read_all(module_path(&p, rows[i].object));
		cr_expect_str_eq(text, "bytes");
	}
	cr_assert_eq(output_put_version(o, &e), 0);
	cleanup_free char *version = read_all(module_path(&p, "MODULE_VERSION.txt"));
	cr_expect_str_eq(version, "1.0.0\n");
	cr_expect_str_eq(output_modules_dir(o) + strlen(p.out), "/kernel-modules");
}

Test(output, unavailable_and_withdrawn_take_the_object_away)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "bytes");
	struct err e;

	put(o, "k", KIND_MOD, object);
	cr_assert_eq(output_put_unavailable(o, "k", KIND_MOD, &e), 0);
	cr_expect_not(is_there(module_path(&p, "example-k.ko.gz")));
	cr_expect(is_there(module_path(&p, ".example-k.unavail")));
	cr_assert_eq(output_withdraw(o, "k", KIND_MOD, &e), 0);
	cr_expect_not(is_there(module_path(&p, ".example-k.unavail")));
	put(o, "k", KIND_BPF, object);
	cr_assert_eq(output_withdraw(o, "k", KIND_BPF, &e), 0);
	cr_expect_not(is_there(module_path(&p, "example-ebpf-k.o.gz")));
	cr_expect_eq(output_withdraw(o, "never-there", KIND_MOD, &e), 0);
	cleanup_free char *text = read_all(object);
	cr_expect_str_eq(text, "bytes", "the store keeps its own");
}

Test(output, one_run_at_a_time)
{
	cleanup_place struct place p;
	place_make(&p);
	struct output *o = open_output(&p, "1.0.0"), *second = NULL;
	struct err e;

	cr_expect_eq(output_open(p.out, "example", "1.0.0", OUTPUT_FILL, NULL, &second, &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT);
	cr_expect_not_null(strstr(e.message, p.out), "%s", e.message);
	cr_expect_null(second);
	output_free(o);
	output_free(open_output(&p, "1.0.0"));
	output_free(NULL);
}

Test(output, leaves_alone_what_is_there)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *first = stored(&p, "first", "one"), *other = stored(&p, "another", "two");
	struct stat tree, again;

	put(o, "k", KIND_MOD, first);
	cr_assert_eq(stat(module_path(&p, "example-k.ko.gz"), &tree), 0);
	put(o, "k", KIND_MOD, first);
	cr_assert_eq(stat(module_path(&p, "example-k.ko.gz"), &again), 0);
	cr_expect_eq(again.st_ino, tree.st_ino, "copied once only");
	cr_expect_eq(again.st_ctim.tv_nsec, tree.st_ctim.tv_nsec, "not even touched");
	put(o, "k", KIND_MOD, other);
	cleanup_free char *text = read_all(module_path(&p, "example-k.ko.gz"));
	cr_expect_str_eq(text, "two");
}

/* Writes into the file itself, as an editor or `strip` may. */
static void write_in_place(const char *path, const char *text)
{
	cr_assert_eq(chmod(path, 0644), 0);
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

Test(output, what_is_written_to_it_neither_reaches_the_store_nor_stays)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "good"), *kept = NULL, *mended = NULL;

	put(o, "k", KIND_MOD, object);
	write_in_place(module_path(&p, "example-k.ko.gz"), "evil");
	kept = read_all(object);
	cr_expect_str_eq(kept, "good");
	put(o, "k", KIND_MOD, object);
	mended = read_all(module_path(&p, "example-k.ko.gz"));
	cr_expect_str_eq(mended, "good");
}

Test(output, a_link_to_the_store_becomes_a_copy)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "good"), *text = NULL;
	struct stat store, tree;

	cr_assert_eq(link(object, module_path(&p, "example-k.ko.gz")), 0);
	put(o, "k", KIND_MOD, object);
	cr_assert_eq(stat(object, &store), 0);
	cr_assert_eq(stat(module_path(&p, "example-k.ko.gz"), &tree), 0);
	cr_expect_neq(store.st_ino, tree.st_ino);
	text = read_all(p.path);
	cr_expect_str_eq(text, "good");
}

Test(output, replaces_what_only_looks_alike)
{
	static const struct {
		const char *text;
		bool same_time;
	} rows[] = { { "evil", false }, { "good and more", true } };
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "good");
	struct stat st;

	cr_assert_eq(stat(object, &st), 0);
	struct timespec times[2] = { st.st_mtim, st.st_mtim };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_all(module_path(&p, "example-k.ko.gz"), rows[i].text);
		if (rows[i].same_time)
			cr_assert_eq(utimensat(AT_FDCWD, p.path, times, 0), 0);
		put(o, "k", KIND_MOD, object);
		cleanup_free char *text = read_all(p.path);
		cr_expect_str_eq(text, "good", "row %zu", i);
	}
	cr_assert_eq(unlink(p.path), 0);
	cr_assert_eq(symlink(object, p.path), 0);
	put(o, "k", KIND_MOD, object);
	cr_assert_eq(lstat(p.path, &st), 0);
	cr_expect(S_ISREG(st.st_mode), "a link to the store is no copy");
}

Test(output, another_version_takes_this_probes_objects_away)
{
	static const char *const ours[] = { "example-k.ko.gz", "example-ebpf-k.o.gz", ".example-l.unavail",
					    ".example-k.ko.gz.12345678.partial" };
	static const char *const foreign[] = { "README", ".gitkeep", "notes.partial", "k.unavail", "module.gz" };
	cleanup_place struct place p;
	place_make(&p);
	struct output *o = open_output(&p, "1.0.0");
	struct err e;

	cr_assert_eq(output_put_version(o, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		write_all(module_path(&p, ours[i]), "x");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		write_all(module_path(&p, foreign[i]), "x");
	output_free(o);

	output_free(open_output(&p, "1.0.0"));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		cr_expect_eq(is_there(module_path(&p, ours[i])), !str_ends(ours[i], ".partial"), "same version: %s", ours[i]);
	output_free(open_output(&p, "1.0.1"));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		cr_expect_not(is_there(module_path(&p, ours[i])), "%s", ours[i]);
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		cr_expect(is_there(module_path(&p, foreign[i])), "%s", foreign[i]);
	cr_expect_not(is_there(module_path(&p, "MODULE_VERSION.txt")));
}

Test(output, another_probes_tree_is_left_as_it_is)
{
	static const char *const theirs[] = { "collector-k.ko.gz", "collector-ebpf-k.o.gz", ".collector-k.unavail",
					      "examples-k.ko.gz", "example.ko.gz" };
	static const enum output_use uses[] = { OUTPUT_FILL, OUTPUT_READ };
	cleanup_place struct place p;
	place_make(&p);
	struct output *o = open_output(&p, "1.0.0"), *other = NULL;
	struct err e;

	cr_assert_eq(output_put_version(o, &e), 0);
	output_free(o);
	write_all(module_path(&p, "example-k.ko.gz"), "x");
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		write_all(module_path(&p, theirs[i]), "x");
		for (size_t use = 0; use < ARRAY_LEN(uses); use++) {
			cr_expect_eq(output_open(p.out, "example", "1.0.1", uses[use], NULL, &other, &e), -1, "%s", theirs[i]);
			cr_expect_eq(e.kind, ERR_INPUT);
			cr_expect_not_null(strstr(e.message, theirs[i]), "%s", e.message);
			cr_expect_not_null(strstr(e.message, "another --output"), "%s", e.message);
		}
		cr_expect(is_there(module_path(&p, theirs[i])), "%s", theirs[i]);
		cr_expect(is_there(module_path(&p, "example-k.ko.gz")), "nothing is removed");
		cr_expect(is_there(module_path(&p, "MODULE_VERSION.txt")));
		cr_assert_eq(unlink(module_path(&p, theirs[i])), 0);
	}
	output_free(open_output(&p, "1.0.1"));
	cr_expect_not(is_there(module_path(&p, "example-k.ko.gz")), "and with nobody else's in it the tree is used");
}

Test(output, version_file_is_read_with_any_line_end)
{
	static const char *const texts[] = { "1.0.0", "1.0.0\n", "1.0.0\r\n", "1.0.0 \n\n" };
	cleanup_place struct place p;
	place_make(&p);
	output_free(open_output(&p, "1.0.0"));

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_all(module_path(&p, "example-k.ko.gz"), "x");
		write_all(module_path(&p, "MODULE_VERSION.txt"), texts[i]);
		output_free(open_output(&p, "1.0.0"));
		cr_expect(is_there(module_path(&p, "example-k.ko.gz")), "row %zu", i);
	}
}

Test(output, failures_have_logs_until_they_are_mended)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(output) struct output *o = open_output(&p, "1.0.0");
	cleanup_free char *object = stored(&p, "object", "bytes"), *mod = NULL, *bpf = NULL, *again = NULL;
	char expected[256], kernel_dir[256];
	struct err e;

	snprintf(expected, sizeof(expected), "%s/failures/6.1.0-1/1.0.0/mod.log", p.out);
	snprintf(kernel_dir, sizeof(kernel_dir), "%s/failures/6.1.0-1", p.out);
	cr_assert_eq(output_put_failure(o, "6.1.0-1", KIND_MOD, "why\n", 4, &mod, &e), 0, "%s", e.message);
	cr_expect_str_eq(mod, expected);
	cr_assert_eq(output_put_failure(o, "6.1.0-1", KIND_MOD, "new why\n", 8, &again, &e), 0);
	cleanup_free char *text = read_all(mod);
	cr_expect_str_eq(text, "new why\n");
	cr_assert_eq(output_put_failure(o, "6.1.0-1", KIND_BPF, "", 0, &bpf, &e), 0);
	put(o, "6.1.0-1", KIND_MOD, object);
	cr_expect_not(is_there(mod), "mended");
	cr_expect(is_there(bpf), "the other kind's stays");
	put(o, "6.1.0-1", KIND_BPF, object);
	cr_expect_not(is_there(kernel_dir), "and the empty directories are gone");
	cr_expect(is_there(module_path(&p, "../failures")));
}

Test(output, what_stands_in_the_way)
{
	cleanup_place struct place p;
	place_make(&p);
	struct output *o = NULL;
	struct err e;

	write_all(p.out, "a file");
	cr_expect_eq(output_open(p.out, "example", "1.0.0", OUTPUT_FILL, NULL, &o, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_not_null(strstr(e.message, p.out), "%s", e.message);
}
