/* `orchestrate gate` on modules that a build has made, good ones and sabotaged ones. */
#include <criterion/criterion.h>
#include <elf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probes.h"
#include "site.h"
#include "stream/sink.h"
#include "tree.h"

TestSuite(gate, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* Imports one symbol that is for the GPL only, and has the path of its own source in it. */
static const char source[] = "#include <linux/bug.h>\n#include <linux/rcupdate.h>\nvoid hello_wait(void);\n"
			     "void hello_wait(void)\n{\n\tWARN_ON(irqs_disabled());\n\tsynchronize_rcu();\n}\n";

static void put_gzip(const char *dir, const char *name, const struct buf *bytes, size_t cut)
{
	cleanup_free char *path = text_of("%s/%s", dir, name);
	cleanup_buf struct buf gz = { 0 };
	struct err e;
	struct sink *to = sink_to_buf(&gz, 64 << 20, &e);
	struct sink *gzip = sink_gzip(to, 6, &e);

	cr_assert(sink_write(gzip, bytes->data, bytes->len, &e) == 0 && sink_finish(gzip, &e) == 0, "%s", e.message);
	sink_free(gzip);
	sink_free(to);
	cr_assert(file_replace(path, gz.data, gz.len - cut, 0644, &e) == 0, "%s", e.message);
}

static char *find_section(const struct buf *object, const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)object->data;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(object->data + header->e_shoff);
	const char *names = object->data + sections[header->e_shstrndx].sh_offset;

	for (unsigned i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return object->data + sections[i].sh_offset;
	cr_assert_fail("the module has no section %s", name);
	return NULL;
}

/* Puts text, with NULs behind it, in the place of the first that begins like start and goes up to its NUL. */
static void overwrite(struct buf *object, const char *start, const char *text)
{
	char *at = memmem(object->data, object->len, start, strlen(start));

	cr_assert(at && strlen(text) <= strlen(at), "no room for '%s'", text);
	memset(at, 0, strlen(at));
	memcpy(at, text, strlen(text));
}

/* --- the sabotage: all on the module of one kernel --- */

static void change_crc(struct buf *object)
{
	find_section(object, "__versions")[0] ^= 4;
}

static void change_machine(struct buf *object)
{
	((Elf64_Ehdr *)object->data)->e_machine = EM_AARCH64;
}

static void change_symbol(struct buf *object)
{
	/* In the table of symbols; __versions has it too, but nobody asks for that one any more. */
	char *names = find_section(object, ".strtab");
	char *at = memmem(names, (size_t)(object->data + object->len - names), "\0_printk", 9);

	cr_assert_not_null(at);
	at[2] = 'q';
}

static void change_license(struct buf *object)
{
	overwrite(object, "license=GPL", "license=BSD");
}

/* The first symbol that a linker would place: here the module's own function, taken out of its section. */
static void make_common(struct buf *object)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)object->data;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(object->data + header->e_shoff);

	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		Elf64_Sym *symbols = (Elf64_Sym *)(object->data + sections[i].sh_offset);
		const char *names = object->data + sections[sections[i].sh_link].sh_offset;
		for (size_t k = 0; k < sections[i].sh_size / sizeof(*symbols); k++)
			if (strcmp(names + symbols[k].st_name, "hello_wait") == 0)
				symbols[k].st_shndx = SHN_COMMON;
	}
}

static void change_nothing(struct buf *object)
{
	(void)object;
}

static const struct {
	const char *file, *finding; /* finding: NULL: none */
	void (*change)(struct buf *object);
	size_t cut;
} rows[] = {
	{ "good.ko.gz", NULL, change_nothing, 0 },	   { "crc.ko.gz", "crc", change_crc, 0 },
	{ "machine.ko.gz", "machine", change_machine, 0 }, { "symbol.ko.gz", "symbol", change_symbol, 0 },
	{ "license.ko.gz", "gpl", change_license, 0 },	   { "common.ko.gz", "common", make_common, 0 },
	{ "cut.ko.gz", "gzip", change_nothing, 100 },	   { "shorter.ko.gz", "gzip", change_nothing, 1 },
};

static void sabotage(const char *dir, const char *module)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		file_gunzip(module, &object);
		rows[i].change(&object);
		put_gzip(dir, rows[i].file, &object, rows[i].cut);
	}
}

/* The module of another kernel, made to say that it is this one's: built with another Module.symvers. */
static void disguise(const char *dir, const char *module, const char *kernel, const char *own)
{
	cleanup_free char *before = text_of("vermagic=%s ", kernel);
	cleanup_buf struct buf object = { 0 };

	file_gunzip(module, &object);
	const char *words = memmem(object.data, object.len, before, strlen(before));
	cr_assert_not_null(words);
	cleanup_free char *vermagic = text_of("vermagic=%s %s", own, words + strlen(before));
	overwrite(&object, before, vermagic);
	put_gzip(dir, "symvers.ko.gz", &object, 0);
}

/* --- */

/* The element of the result for this file. */
static const json_t *result_of(const json_t *root, const char *file)
{
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(root, "objects"), i, object)
	{
		const char *path = json_string_value(json_object_get(object, "file"));
		if (path && strcmp(path_base(path), file) == 0)
			return object;
	}
	cr_assert_fail("nothing is said of '%s'", file);
	return NULL;
}

static void expect_result(const json_t *root, const char *file, const char *finding)
{
	const json_t *object = result_of(root, file);
	const json_t *first = json_array_get(json_object_get(object, "findings"), 0);
	const char *state = json_string_value(json_object_get(object, "state"));

	cr_expect_str_eq(state, finding ? "failed" : "passed", "%s: %s", file, state);
	if (finding)
		cr_expect_str_eq(json_string_value(json_object_get(first, "what")), finding, "%s", file);
}

static struct program *run_gate(int code, const char *cache, const char *kernel, const char *const files[])
{
	struct site *s = site();
	const char *f[12] = { NULL };

	for (size_t i = 0; files[i]; i++) {
		cr_assert_lt(i, ARRAY_LEN(f) - 1);
		f[i] = files[i];
	}
	return site_run_exactly(code, "gate", "--root", s->root, "--cache", cache, "--probe", s->probe, "--json", "--kernel",
				kernel, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], NULL);
}

static json_t *json_of(const struct program *p)
{
	json_t *root = json_loads(buf_text(&p->out), 0, NULL);

	cr_assert_not_null(root, "%s", buf_text(&p->out));
	return root;
}

Test(gate, every_sabotage_is_caught_by_the_finding_that_names_it)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cloud = site_cloud(kernel);
	cleanup_free char *module = text_of("%s/%s-%s.ko.gz", s->modules, s->name, kernel);
	cleanup_free char *other = text_of("%s/%s-%s.ko.gz", s->modules, s->name, cloud);
	cleanup_free char *dir = text_of("%s/sabotage", s->temp.path);
	cleanup_strv struct strv files = { 0 };
	struct err e;

	probe_put_mod(s->probe, s->name, source);
	site_run(0, "build", "--kernel", kernel, "--kernel", cloud, "--no-image", NULL);
	struct program *good =
		site_run_exactly(0, "gate", s->modules, "--root", s->root, "--cache", s->cache, "--probe", s->probe, NULL);
	cr_expect(strstr(buf_text(&good->err), "2 objects: 2 passed, 0 failed, 0 unchecked"), "%s", buf_text(&good->err));

	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	sabotage(dir, module);
	disguise(dir, other, cloud, kernel);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_assert(strv_take(&files, text_of("%s/%s", dir, rows[i].file), &e) == 0);
	cr_assert(strv_take(&files, text_of("%s/symvers.ko.gz", dir), &e) == 0);
	struct program *p = run_gate(5, s->cache, kernel, (const char *const *)files.items);
	json_t *root = json_of(p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_result(root, rows[i].file, rows[i].finding);
	expect_result(root, "symvers.ko.gz", "crc");
	json_decref(root);

	/* A module of another flavour under this one's name. */
	const char *const renamed[] = { module, NULL };
	p = run_gate(5, s->cache, cloud, renamed);
	root = json_of(p);
	expect_result(root, path_base(module), "vermagic");
	json_decref(root);
}

/* What can't be checked has not passed. */
Test(gate, says_what_it_lacks)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *empty = text_of("%s/no-cache", s->temp.path);
	cleanup_free char *file = text_of("%s/x.ko", s->temp.path);
	const char *const files[] = { file, NULL };

	probe_put_mod(s->probe, s->name, "");
	file_put(s->temp.path, "x.ko", "x");
	struct program *p = run_gate(1, empty, kernel, files);
	cr_expect(strstr(buf_text(&p->out), "orchestrate cache fetch"), "%s", buf_text(&p->out));
	cr_expect(!file_is_there(empty), "a cache was made");
	p = run_gate(1, s->cache, "6.1.0-none", files);
	cr_expect(strstr(buf_text(&p->out), "no list has this kernel"), "%s", buf_text(&p->out));
	p = run_gate(5, s->cache, kernel, files);
	cr_expect(strstr(buf_text(&p->out), "an ELF file"), "%s", buf_text(&p->out));
}

/* A build is held to the same, before anything is stored. */
Test(gate, is_in_every_build)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *yaml_path = text_of("%s/probe.yaml", s->probe);
	cleanup_buf struct buf yaml = { 0 };
	cleanup_buf struct buf bad = { 0 };
	cleanup_strv struct strv left = { 0 };

	probe_put_mod(s->probe, s->name, source);
	file_bytes(yaml_path, &yaml);
	text_replace(buf_text(&yaml), " modules\n", " modules && sed -i s/_printk/_qrintk/g hello.ko\n", &bad);
	file_put(s->probe, "probe.yaml", buf_text(&bad));
	struct program *p = site_run(1, "build", "--kernel", kernel, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "mod object did not pass") &&
			  strstr(buf_text(&p->err),
				 "symbol: expected exported by the kernel or one of its modules, found '_qrintk' is not"),
		  "%s", buf_text(&p->err));
	tree_list(s->modules, &left);
	cr_assert_eq(left.len, 1);
	cr_expect_str_eq(left.items[0], "MODULE_VERSION.txt");
}
