#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "build/layers.h"
#include "fixture.h"

/* Enough for each bucket to have some. */
enum { KERNELS = 100 };

struct tree {
	struct temp_dir dir;
	char modules[128], store[128];
};

static void put_file(struct tree *t, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", t->modules, name);
	write_all(path, text);
}

static void put_kernel(struct tree *t, int number)
{
	char name[64], text[64];

	snprintf(name, sizeof(name), "example-6.1.%d-amd64.ko.gz", number);
	snprintf(text, sizeof(text), "module %d", number);
	put_file(t, name, text);
	snprintf(name, sizeof(name), number % 3 ? "example-ebpf-6.1.%d-amd64.o.gz" : ".example-ebpf-6.1.%d-amd64.unavail", number);
	put_file(t, name, number % 3 ? text : "");
}

static void tree_make(struct tree *t, int kernels)
{
	struct err e;

	temp_dir_make(&t->dir);
	snprintf(t->modules, sizeof(t->modules), "%s/kernel-modules", t->dir.path);
	snprintf(t->store, sizeof(t->store), "%s/store", t->dir.path);
	cr_assert_eq(path_make_dirs(t->modules, &e), 0);
	put_file(t, "MODULE_VERSION.txt", "1.0.0\n");
	for (int i = 0; i < kernels; i++)
		put_kernel(t, i);
}

static void tree_remove(struct tree *t)
{
	temp_dir_remove(&t->dir);
}

#define cleanup_tree __attribute__((cleanup(tree_remove)))

static int add_tree(struct tree *t, struct oci_image **ret, size_t *ret_files, struct err *e)
{
	*ret = oci_image_new("amd64", 0, e);
	return layers_add_tree(*ret, t->modules, "example", t->store, 0, ret_files, e);
}

static struct oci_image *image_of(struct tree *t)
{
	struct oci_image *image = NULL;
	size_t files = 0;
	struct err e;

	cr_assert_eq(add_tree(t, &image, &files, &e), 0, "%s", e.message);
	return image;
}

/* How many layers of a are not in b. */
static size_t count_missing(const struct oci_image *a, const struct oci_image *b)
{
	size_t missing = 0;

	for (size_t i = 0; i < oci_image_layer_count(a); i++) {
		bool found = false;
		for (size_t j = 0; j < oci_image_layer_count(b); j++)
			found |= digest_equal(&oci_image_layer(a, i)->diff_id, &oci_image_layer(b, j)->diff_id);
		missing += !found;
	}
	return missing;
}

Test(layers, there_are_few_whatever_the_kernels)
{
	cleanup_tree struct tree many, none;
	tree_make(&many, KERNELS);
	tree_make(&none, 0);
	cleanup_of(oci_image) struct oci_image *image = NULL, *bare = NULL;
	size_t files = 0;
	struct err e;

	cr_assert_eq(add_tree(&many, &image, &files, &e), 0, "%s", e.message);
	cr_expect_eq(files, 2 * KERNELS + 1);
	cr_expect_eq(oci_image_layer_count(image), 1 + LAYERS_BUCKETS);
	cr_assert_eq(add_tree(&none, &bare, &files, &e), 0, "%s", e.message);
	cr_expect_eq(files, 1);
	cr_expect_eq(oci_image_layer_count(bare), 1);
}

Test(layers, a_new_kernel_changes_one)
{
	cleanup_tree struct tree t;
	tree_make(&t, KERNELS);
	cleanup_of(oci_image) struct oci_image *before = image_of(&t);
	cleanup_of(oci_image) struct oci_image *after = NULL, *rebuilt = NULL, *gone = NULL, *version = NULL;
	char path[256];

	put_kernel(&t, KERNELS);
	after = image_of(&t);
	cr_expect_eq(count_missing(after, before), 1);
	cr_expect_eq(count_missing(before, after), 1);
	put_file(&t, "example-6.1.7-amd64.ko.gz", "another module");
	put_file(&t, "example-ebpf-6.1.7-amd64.o.gz", "another program");
	rebuilt = image_of(&t);
	cr_expect_eq(count_missing(rebuilt, after), 1, "both objects of a kernel are in one layer");
	/* An object that became a marker stays where it was. */
	snprintf(path, sizeof(path), "%s/example-6.1.7-amd64.ko.gz", t.modules);
	cr_assert_eq(unlink(path), 0);
	put_file(&t, ".example-6.1.7-amd64.unavail", "");
	gone = image_of(&t);
	cr_expect_eq(count_missing(gone, rebuilt), 1);
	put_file(&t, "MODULE_VERSION.txt", "1.0.1\n");
	version = image_of(&t);
	cr_expect_eq(count_missing(version, gone), 1);
	cr_expect_not(digest_equal(&oci_image_layer(version, 0)->diff_id, &oci_image_layer(gone, 0)->diff_id),
		      "the version is in the first");
}

Test(layers, same_tree_same_layers)
{
	cleanup_tree struct tree a, b;
	tree_make(&a, 20);
	tree_make(&b, 0);
	for (int i = 19; i >= 0; i--)
		put_kernel(&b, i);
	cleanup_of(oci_image) struct oci_image *first = image_of(&a), *other = image_of(&b), *again = image_of(&a);
	struct digest ids[3];
	struct err e;

	cr_assert_eq(oci_image_id(first, &ids[0], &e) | oci_image_id(other, &ids[1], &e) | oci_image_id(again, &ids[2], &e), 0);
	cr_expect(digest_equal(&ids[0], &ids[1]), "whatever the order in which the files came");
	cr_expect(digest_equal(&ids[0], &ids[2]), "out of the store too");
}

/* Each blob of the image is what the image says it is. */
static void expect_good_blobs(const struct oci_image *image)
{
	for (size_t i = 0; i < oci_image_layer_count(image); i++) {
		const struct layer *l = oci_image_layer(image, i);
		struct err e;
		struct digest digest;
		uint64_t size;
		cleanup_close int fd = file_open(l->path, &e);
		cr_assert_geq(fd, 0, "%s", e.message);
		cr_assert_eq(digest_of_fd(fd, &digest, &size, &e), 0);
		cr_expect(digest_equal(&digest, &l->digest), "layer %zu", i);
		cr_expect_eq(size, l->size, "layer %zu", i);
	}
}

Test(layers, a_damaged_store_is_made_anew)
{
	static const char *const damages[] = {
		"for f in %s/*.json; do : >$f; done",
		"for f in %s/*.json; do echo '{\"diff_id\": 1}' >$f; done",
		"for f in %s/*.json; do echo junk >$f; done",
		"for f in $(ls %s/* | grep -v json); do rm $f; done",
		"for f in $(ls %s/* | grep -v json); do chmod u+w $f; truncate -s 5 $f; done",
	};
	cleanup_tree struct tree t;
	tree_make(&t, 10);
	cleanup_of(oci_image) struct oci_image *good = image_of(&t);

	expect_good_blobs(good);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char script[512];
		const char *const argv[] = { "sh", "-c", script, NULL };
		struct err e;
		snprintf(script, sizeof(script), damages[i], t.store);
		cr_assert_eq(process_run(argv, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
		cleanup_of(oci_image) struct oci_image *again = image_of(&t);
		cr_expect_eq(count_missing(again, good), 0, "row %zu", i);
		expect_good_blobs(again);
	}
}

Test(layers, foreign_files_are_refused)
{
	static const char *const foreign[] = {
		"README",	    "other-6.1.0.ko.gz",    "example.ko.gz",	     "example-.ko.gz",	     "example-ebpf-.o.gz",
		"example-6.1.0.ko", "example-6.1.0.tar.gz", "example-6.1.0.unavail", ".example-6.1.0.ko.gz", ".hidden"
	};

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		cleanup_tree struct tree t;
		cleanup_of(oci_image) struct oci_image *image = NULL;
		struct err e = { .kind = ERR_NONE };
		size_t files;
		tree_make(&t, 1);
		put_file(&t, foreign[i], "x");
		cr_expect_eq(add_tree(&t, &image, &files, &e), -1, "%s", foreign[i]);
		cr_expect_eq(e.kind, ERR_INPUT, "%s: %s", foreign[i], e.message);
		cr_expect_not_null(strstr(e.message, foreign[i]), "%s", e.message);
	}
}

Test(layers, what_is_in_the_making_is_passed_over)
{
	cleanup_tree struct tree t;
	tree_make(&t, 1);
	cleanup_of(oci_image) struct oci_image *before = image_of(&t);
	put_file(&t, ".example-6.1.9-amd64.ko.gz.1234abcd.partial", "half");
	cleanup_of(oci_image) struct oci_image *after = image_of(&t);

	cr_expect_eq(count_missing(after, before), 0);
}

Test(layers, nothing_to_put_in)
{
	cleanup_tree struct tree t;
	cleanup_of(oci_image) struct oci_image *image = NULL, *second = NULL;
	struct err e = { .kind = ERR_NONE };
	char path[256];
	size_t files;

	tree_make(&t, 0);
	snprintf(path, sizeof(path), "%s/MODULE_VERSION.txt", t.modules);
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(add_tree(&t, &image, &files, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	cr_assert_eq(rmdir(t.modules), 0);
	cr_expect_eq(add_tree(&t, &second, &files, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	cr_expect_not_null(strstr(e.message, t.modules), "%s", e.message);
}

/* Two layers' worth of files, one lot made old: a sweep takes those, and an image that uses old ones again keeps them. */
Test(layers, what_nobody_uses_goes)
{
	struct err e;
	struct tree t;
	tree_make(&t, 40);
	oci_image_free(image_of(&t));
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	cleanup_free char *stray = path_join(t.store, "stray", &e);
	cr_assert_eq(file_replace(stray, "x", 1, 0644, &e), 0);
	DIR *d = opendir(t.store);
	cr_assert_not_null(d);
	for (struct dirent *entry; (entry = readdir(d));)
		cr_assert_eq(utimensat(dirfd(d), entry->d_name, old, 0), 0);
	closedir(d);
	struct oci_image *again = image_of(&t);
	cr_expect_eq(layers_sweep(t.store, &e), 0, "%s", e.message);
	cr_expect_eq(path_exists(stray, &e), 0, "what no image uses is still there");
	expect_good_blobs(again);
	oci_image_free(again);
	tree_remove(&t);
}
