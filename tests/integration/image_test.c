/* The image as an archive, and on top of another one. The output trees are filled by hand: nothing is built here. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(image, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* An output tree with objects of kernels that don't exist: `image` looks at names only. */
static void fill_tree(const char *output, const char *name, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		cleanup_free char *module = text_of("kernel-modules/%s-6.1.0-%u-amd64.ko.gz", name, i);
		cleanup_free char *object = text_of("kernel-modules/%s-ebpf-6.1.0-%u-amd64.o.gz", name, i);
		cleanup_free char *text = text_of("object %u of %s\n", i, name);
		file_put(output, module, text);
		file_put(output, object, text);
	}
	file_put(output, "kernel-modules/MODULE_VERSION.txt", "1.0\n");
}

static json_t *load_member(const char *archive, const char *member)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	json_t *json = NULL;

	cr_assert(archive_read_support_format_tar(a) == ARCHIVE_OK && archive_read_open_filename(a, archive, 65536) == ARCHIVE_OK,
		  "%s", archive_error_string(a));
	while (!json && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		size_t size = (size_t)archive_entry_size(entry);
		if (strcmp(archive_entry_pathname(entry), member) != 0)
			continue;
		cleanup_free char *bytes = malloc(size + 1);
		cr_assert_eq(archive_read_data(a, bytes, size), (la_ssize_t)size);
		json = json_loadb(bytes, size, 0, NULL);
	}
	archive_read_free(a);
	cr_assert_not_null(json, "'%s' has no '%s'", archive, member);
	return json;
}

/* The diff_ids of an archive's image, one a line, as `docker image inspect` is asked to print them below. */
static void archive_layers(const char *archive, struct buf *ret)
{
	json_t *manifest = load_member(archive, "manifest.json"), *layer;
	const char *config_name = json_string_value(json_object_get(json_array_get(manifest, 0), "Config"));
	json_t *config = load_member(archive, config_name);
	struct err e;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(config, "rootfs"), "diff_ids"), i, layer)
	{
		cr_assert(buf_printf(ret, &e, "%s\n", json_string_value(layer)) == 0);
	}
	json_decref(config);
	json_decref(manifest);
}

static void engine_layers(const char *ref, struct buf *ret)
{
	struct err e;

	docker(ret, "image", "inspect", "--format", "{{range .RootFS.Layers}}{{println .}}{{end}}", ref, NULL);
	while (ret->len && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	cr_assert(buf_puts(ret, "\n", &e) == 0);
}

static struct program *assemble(int code, const char *cache, const char *archive, const char *base)
{
	struct site *s = site();

	return site_run_exactly(code, "image", "--root", s->root, "--cache", cache, "--output", s->output, "--probe", s->probe,
				"--archive", archive, base ? "--base" : NULL, base, NULL);
}

/* A base, made by `image --no-load` of another probe. Caller frees the path. */
static char *make_base(unsigned count)
{
	struct site *s = site();
	cleanup_free char *probe = text_of("%s/base-probe", s->temp.path), *output = text_of("%s/base-output", s->temp.path);
	cleanup_free char *cache = text_of("%s/base-cache", s->temp.path);
	cleanup_free char *name = text_of("%s-ground", s->name), *tagged = text_of("%s-base:1.0", name);
	char *archive = text_of("%s/base.tar", s->temp.path);

	probe_put_bpf(probe, name, "");
	fill_tree(output, name, count);
	site_run_exactly(0, "image", "--no-load", "--root", s->root, "--cache", cache, "--output", output, "--probe", probe,
			 "--archive", archive, NULL);
	cr_expect(!docker_try(NULL, "image", "inspect", tagged, NULL), "--no-load has loaded it");
	return archive;
}

static void expect_same_bytes(const char *a, const char *b)
{
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf other = { 0 };

	file_bytes(a, &one);
	file_bytes(b, &other);
	cr_expect(one.len > 0 && one.len == other.len && memcmp(one.data, other.data, one.len) == 0, "'%s' and '%s' differ", a, b);
}

Test(image, archive_is_the_image_and_the_same_each_time)
{
	struct site *s = site();
	cleanup_free char *first = text_of("%s/first.tar", s->temp.path), *second = text_of("%s/second.tar", s->temp.path);
	cleanup_free char *other_cache = text_of("%s/other-cache", s->temp.path);
	cleanup_free char *tagged = text_of("%s-base:1.0", s->name), *latest = text_of("%s-base:latest", s->name);
	cleanup_buf struct buf in_engine = { 0 };
	cleanup_buf struct buf in_archive = { 0 };
	cleanup_buf struct buf loaded = { 0 };

	probe_put_bpf(s->probe, s->name, "");
	fill_tree(s->output, s->name, 20);
	struct program *p = assemble(0, s->cache, first, NULL);
	cleanup_free char *id = site_image_id(p);
	engine_layers(tagged, &in_engine);
	archive_layers(first, &in_archive);
	cr_expect_str_eq(buf_text(&in_engine), buf_text(&in_archive));

	assemble(0, other_cache, second, NULL);
	expect_same_bytes(first, second);

	/* Into an engine that has never seen it. */
	docker(NULL, "rmi", tagged, latest, NULL);
	cr_assert(!docker_try(NULL, "image", "inspect", id, NULL));
	docker(NULL, "load", "--input", second, NULL);
	docker_image_id(tagged, &loaded);
	cr_expect_str_eq(buf_text(&loaded), id);
	docker_image_id(latest, &loaded);
	cr_expect_str_eq(buf_text(&loaded), id);
	docker_copy_modules(id, s->temp.path);
	cleanup_free char *inside = text_of("%s/kernel-modules", s->temp.path);
	tree_expect_equal(s->modules, inside);
}

Test(image, stands_on_a_base_from_a_file_or_from_the_engine)
{
	struct site *s = site();
	cleanup_free char *base = make_base(3), *from_file = text_of("%s/from-file.tar", s->temp.path);
	cleanup_free char *again = text_of("%s/again.tar", s->temp.path), *other_cache = text_of("%s/other-cache", s->temp.path);
	cleanup_free char *from_engine = text_of("%s/from-engine.tar", s->temp.path), *tag = text_of("%s-base:ground", s->name);
	cleanup_free char *ground = text_of("%s/kernel-modules/%s-ground-6.1.0-2-amd64.ko.gz", s->temp.path, s->name);
	cleanup_free char *base_tag = text_of("%s-ground-base:1.0", s->name),
			  *base_latest = text_of("%s-ground-base:latest", s->name);
	cleanup_free char *ours = text_of("%s/kernel-modules/%s-6.1.0-3-amd64.ko.gz", s->temp.path, s->name);
	cleanup_buf struct buf below = { 0 };
	cleanup_buf struct buf all = { 0 };
	cleanup_buf struct buf on_engine = { 0 };

	probe_put_bpf(s->probe, s->name, "");
	fill_tree(s->output, s->name, 5);
	struct program *p = assemble(0, s->cache, from_file, base);
	cleanup_free char *id = site_image_id(p);
	archive_layers(base, &below);
	engine_layers(id, &all);
	cr_expect(below.len > 0 && all.len > below.len && memcmp(all.data, below.data, below.len) == 0,
		  "the base's layers:\n%s\nare not the first of:\n%s", buf_text(&below), buf_text(&all));
	docker_copy_modules(id, s->temp.path);
	cr_expect(file_is_there(ground));
	cr_expect(file_is_there(ours));
	assemble(0, other_cache, again, base);
	expect_same_bytes(from_file, again);

	docker(NULL, "load", "--input", base, NULL);
	docker(NULL, "tag", base_tag, tag, NULL);
	docker(NULL, "rmi", base_tag, base_latest, NULL);
	assemble(0, s->cache, from_engine, tag);
	archive_layers(from_engine, &on_engine);
	cr_expect_str_eq(buf_text(&on_engine), buf_text(&all));
}

Test(image, bad_bases_are_named_and_change_nothing)
{
	struct site *s = site();
	cleanup_free char *base = make_base(1), *archive = text_of("%s/out.tar", s->temp.path);
	cleanup_free char *cut = text_of("%s/cut.tar", s->temp.path), *junk = text_of("%s/junk.tar", s->temp.path);
	cleanup_free char *latest = text_of("%s-base:latest", s->name);
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	probe_put_bpf(s->probe, s->name, "");
	fill_tree(s->output, s->name, 1);
	file_bytes(base, &bytes);
	cr_assert(file_replace(cut, bytes.data, bytes.len / 2, 0644, &e) == 0, "%s", e.message);
	file_put(s->temp.path, "junk.tar", "this is no archive\n");
	const struct {
		const char *base;
		int code;
	} rows[] = { { cut, 1 }, { junk, 1 }, { "no/such:image", 2 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = assemble(rows[i].code, s->cache, archive, rows[i].base);
		cr_expect(strstr(buf_text(&p->err), rows[i].base), "'%s' is not named: %s", rows[i].base, buf_text(&p->err));
		cr_expect(!file_is_there(archive), "'%s' gave an archive", rows[i].base);
		cr_expect(!docker_try(NULL, "image", "inspect", latest, NULL), "'%s' gave an image", rows[i].base);
	}
	tree_expect_nothing_partial(s->temp.path);
}
