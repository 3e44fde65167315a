/* docs/adding-a-distro.md, done: its descriptor as it stands there, an empty list, and packages that somebody publishes, to checked
 * objects. What the document shows of what the program says is compared with what it says. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "objects.h"
#include "pool.h"
#include "probes.h"
#include "repository.h"
#include "site.h"
#include "tree.h"
#include "web.h"
#include "work.h"

#define DOCUMENT "docs/adding-a-distro.md"

enum { CHANGES_MAX = 4 };

static struct {
	struct signing key;
	struct web web;
	struct program program; /* the last that was no build */
	char *root, *mirror;	/* the checkout; for --mirror */
	struct buf document;
	char *yaml;
} scene;

static void close_scene(void)
{
	web_stop(&scene.web);
	signing_release(&scene.key);
	program_release(&scene.program);
	buf_release(&scene.document);
	free(scene.root);
	free(scene.mirror);
	free(scene.yaml);
}

static void open_scene(void)
{
	struct site *s = site();

	site_open();
	scene.program = scene.web.program = (struct program)PROGRAM_NONE;
	site_before_close(close_scene);
	scene.root = text_of("%s/checkout", s->temp.path);
	signing_make(&scene.key, s->temp.path, "signer");
	file_bytes(DOCUMENT, &scene.document);
}

TestSuite(adding, .init = open_scene, .fini = site_close, .timeout = SITE_SECONDS);

/* The fenced block behind `<!-- name -->`. Caller frees. */
static char *block_of(const char *name)
{
	cleanup_free char *mark = text_of("<!-- %s -->\n```", name);
	const char *at = strstr(buf_text(&scene.document), mark);
	const char *begin = at ? strchr(at + strlen(mark), '\n') : NULL, *end = begin ? strstr(begin, "\n```\n") : NULL;

	cr_assert_not_null(end, "%s has no block '%s'", DOCUMENT, name);
	return text_of("%.*s", (int)(end - begin), begin + 1);
}

/* `...` in a line that is shown stands for anything. */
static bool line_is(const char *said, size_t len, const char *shown)
{
	cleanup_free char *line = text_of("%.*s", (int)len, said), *parts = text_of("%s", shown);
	const char *at = line;

	for (char *part = parts, *dots; part; part = dots) {
		dots = strstr(part, "...");
		if (dots) {
			*dots = '\0';
			dots += strlen("...");
		}
		at = strstr(at, part);
		if (!at)
			return false;
		at += strlen(part);
	}
	return true;
}

/* Every line of the block but the command is among what the program has said. */
static void expect_shown(const char *name, const struct program *p)
{
	cleanup_free char *block = block_of(name), *said = text_of("%s%s", buf_text(&p->out), buf_text(&p->err));
	char *save = NULL;

	for (char *line = strtok_r(block, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool found = *line == '$';
		for (const char *at = said; !found && *at; at += strcspn(at, "\n"), at += *at == '\n')
			found = line_is(at, strcspn(at, "\n"), line + strspn(line, " "));
		cr_expect(found, "%s shows\n%s\nand the program said\n%s", name, line, said);
	}
}

static void publish(void)
{
	struct site *s = site();
	cleanup_free char *pool = pool_made_by("make-fjord", "fjord"), *docroot = text_of("%s/www", s->temp.path);
	cleanup_free char *servers = text_of("%s/server", s->temp.path), *stable = text_of("%s/linux/stable", docroot);

	tree_copy(pool, stable);
	yum_repository_publish(stable, "gz", &scene.key);
	web_start(&scene.web, WEB_NGINX, servers, docroot);
	scene.mirror = text_of("fjord=%s/linux", scene.web.url);
}

/* A checkout with this one distribution in it; everything is run from there, as the document does it. */
static void make_checkout(void)
{
	cleanup_free char *images = text_of("%s/images", site()->root), *there = text_of("%s/images", scene.root);
	cleanup_free char *keyring = text_of("%s/distros/fjord.gpg", scene.root);
	static const char *const ours[] = { "probe", "MODULE_VERSION" };

	scene.yaml = block_of("distros/fjord.yaml");
	file_put(scene.root, "distros/fjord.yaml", scene.yaml);
	file_put(scene.root, "supported-kernels/fjord.txt", "");
	work("cp", scene.key.keyring, keyring, NULL);
	cr_assert(symlink(images, there) == 0);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		cleanup_free char *from = text_of("%s/%s", site()->root, ours[i]);
		work("cp", "-r", from, scene.root, NULL);
	}
	probe_put_both(site()->probe, site()->name, "3.10", "");
	cr_assert(chdir(scene.root) == 0);
}

/* What is no build: lint, plan, crawl. */
static const struct program *run(int code, const char *verb)
{
	const char *const lint[] = { getenv("ORCHESTRATE_PROGRAM"), verb, NULL };
	const char *const plan[] = { getenv("ORCHESTRATE_PROGRAM"), verb, "--distro", "fjord", NULL };
	const char *const crawl[] = { getenv("ORCHESTRATE_PROGRAM"), verb, "--distro", "fjord", "--mirror", scene.mirror, NULL };

	program_release(&scene.program);
	program_start(&scene.program, strcmp(verb, "crawl") == 0 ? crawl : strcmp(verb, "plan") == 0 ? plan : lint);
	program_finish(&scene.program);
	cr_expect_eq(scene.program.code, code, "orchestrate %s: exit %d, expected %d:\n%s%s", verb, scene.program.code, code,
		     buf_text(&scene.program.out), buf_text(&scene.program.err));
	return &scene.program;
}

static const struct program *build(int code)
{
	struct site *s = site();

	return site_run_exactly(code, "build", "--distro", "fjord", "--no-image", "--mirror", scene.mirror, "--output", s->output,
				"--probe", s->probe, "--progress", "plain", NULL);
}

/* --- the mistakes that the document shows --- */

static const struct mistake {
	const char *name; /* of the block that shows what is said about it */
	struct {
		const char *from, *to;
	} changes[CHANGES_MAX];
	const char *verb;
	int code;
} before_crawling[] = {
	{ "lint says: misspelt",
	  { { "format: rpm", "format: rmp" },
	    { "holds: [tools]", "hold: [tools]" },
	    { "shared: true", "shared: yes" },
	    { "mod: \"3.10\"", "mod: 3.10" } },
	  "lint",
	  2 },
	{ "lint says: template", { { "-${flavour}\"", "-${flavor}\"" } }, "lint", 2 },
	{ "crawl says: nothing taken", { { "packages: 'linux-devel", "packages: 'kernel-devel" } }, "crawl", 1 },
	{ "crawl says: no key", { { "distros/fjord.gpg", "distros/fiord.gpg" } }, "crawl", 1 },
}, after_crawling[] = {
	{ "lint says: unknown file", { { "linux-devel-(?!common-)", "linux-headers-(?!common-)" } }, "lint", 2 },
	{ "plan says: half for whole", { { "(?!common-)(?<flavour>", "(?<flavour>" } }, "plan", 0 },
	{ "build says: wrong place", { { "usr/src/fjord/${release}\"", "usr/src/${release}\"" } }, "build", 1 },
	{ "build says: absolute path", { { "from: \"/usr/src/fjord/\"", "from: \"/usr/src/none/\"" } }, "build", 1 },
};

static void make_mistakes(const struct mistake *mistakes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mistake *m = &mistakes[i];
		cleanup_free char *yaml = text_of("%s", scene.yaml);
		for (size_t k = 0; k < CHANGES_MAX && m->changes[k].from; k++) {
			cleanup_buf struct buf changed = { 0 };
			cr_assert(strstr(yaml, m->changes[k].from), "%s: no '%s' in\n%s", m->name, m->changes[k].from, yaml);
			text_replace(yaml, m->changes[k].from, m->changes[k].to, &changed);
			free(yaml);
			yaml = text_of("%s", buf_text(&changed));
		}
		file_put(scene.root, "distros/fjord.yaml", yaml);
		expect_shown(m->name, strcmp(m->verb, "build") == 0 ? build(m->code) : run(m->code, m->verb));
	}
	file_put(scene.root, "distros/fjord.yaml", scene.yaml);
}

static void expect_objects(void)
{
	static const char *const kernels[] = { "6.1.44-3.fj2-cloud", "6.1.44-3.fj2-server" };
	cleanup_strv struct strv names = { 0 };
	struct err e;

	cr_assert(strv_add(&names, "MODULE_VERSION.txt", &e) == 0);
	for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
		cr_assert(strv_take(&names, text_of("%s-%s.ko.gz", site()->name, kernels[i]), &e) == 0 &&
			  strv_take(&names, text_of("%s-ebpf-%s.o.gz", site()->name, kernels[i]), &e) == 0);
		expect_good_objects(kernels[i], kernels[i], "hello");
	}
	tree_expect(site()->modules, (const char *const *)names.items);
}

Test(adding, goes_as_it_is_told)
{
	publish();
	make_checkout();
	expect_shown("lint says: good", run(0, "lint"));
	make_mistakes(before_crawling, ARRAY_LEN(before_crawling));
	expect_shown("crawl says: good", run(0, "crawl"));
	make_mistakes(after_crawling, ARRAY_LEN(after_crawling));
	expect_shown("plan says: good", run(0, "plan"));
	expect_shown("build says: good", build(0));
	expect_objects();
	expect_shown("lint says: left over", run(0, "lint"));
}
