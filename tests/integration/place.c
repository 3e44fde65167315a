#include "place.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "tree.h"
#include "work.h"

enum { PLACES_MAX = 24, TEMPLATES_MAX = 8 };

const char error_page[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Maintenance</title></head>\n"
	"<body><h1>We'll be back soon</h1><p>Back to the <a href=\"/\">start</a>, or ask\n"
	"<a href=\"mailto:webmaster@example.org\">us</a>.</p><hr><address>proxy.example.org</address></body></html>\n";

static struct {
	struct signing key, other_key;
	struct web web;
	char *docroot;
	struct published templates[TEMPLATES_MAX];
	size_t template_count;
	struct place places[PLACES_MAX];
	size_t place_count;
	void (*undo)(void);
} all;

static void release_place(struct place *p)
{
	if (p->server)
		http_server_stop(p->server);
	free(p->url);
	published_release(&p->published);
	checkout_release(&p->checkout);
	checkout_state_release(&p->before);
	buf_release(&p->body);
}

static void places_close(void)
{
	if (all.undo)
		all.undo();
	for (size_t i = 0; i < all.place_count; i++)
		program_release(&all.places[i].program);
	web_stop(&all.web);
	for (size_t i = 0; i < all.place_count; i++)
		release_place(&all.places[i]);
	for (size_t i = 0; i < all.template_count; i++)
		published_release(&all.templates[i]);
	signing_release(&all.key);
	signing_release(&all.other_key);
	free(all.docroot);
}

void places_open(void)
{
	struct site *s = site();
	struct err e;

	site_open_bare();
	all.web.program = (struct program)PROGRAM_NONE;
	site_before_close(places_close);
	all.docroot = text_of("%s/www", s->temp.path);
	cleanup_free char *servers = text_of("%s/server", s->temp.path);
	cr_assert(path_make_dirs(all.docroot, &e) == 0, "%s", e.message);
	signing_make(&all.key, s->temp.path, "signer");
	web_start(&all.web, WEB_NGINX, servers, all.docroot);
}

void places_before_close(void (*undo)(void))
{
	all.undo = undo;
}

const struct signing *places_other_key(void)
{
	if (!all.other_key.home)
		signing_make(&all.other_key, site()->temp.path, "stranger");
	return &all.other_key;
}

/* --- repositories, copied from templates --- */

static struct published *template_of(const struct published_kind *kind)
{
	for (size_t i = 0; i < all.template_count; i++)
		if (all.templates[i].kind == kind)
			return &all.templates[i];
	cr_assert_lt(all.template_count, TEMPLATES_MAX);
	struct published *t = &all.templates[all.template_count];
	cleanup_free char *dir = text_of("%s/template-%zu", all.docroot, all.template_count++);
	published_make(t, kind, dir, &all.key);
	published_put(t, 9);
	published_put(t, 10);
	return t;
}

static void copy_template(const struct published *to)
{
	struct err e;

	cleanup_free char *gone = text_of("%s.gone", to->dir);
	cr_assert(path_remove(to->dir, &e) == 0 && path_remove(gone, &e) == 0, "%s", e.message);
	work("cp", "-a", template_of(to->kind)->dir, to->dir, NULL);
}

static void describe_steady(struct place *p)
{
	struct published *steady = template_of(&published_apt);
	cleanup_free char *url = text_of("%s/%s", all.web.url, path_base(steady->dir));
	cleanup_free char *indexes = published_indexes(steady, url, "");

	checkout_describe(&p->checkout, "example", "steady", indexes);
}

static void describe_broken(struct place *p)
{
	cleanup_free char *indexes = published_indexes(&p->published, p->url, "");

	checkout_describe(&p->checkout, p->published.kind->example, "broken", indexes);
}

static struct place *place_make(const struct published_kind *kind)
{
	cr_assert_lt(all.place_count, PLACES_MAX);
	struct place *p = &all.places[all.place_count];
	cleanup_free char *name = text_of("place-%zu", all.place_count++), *dir = text_of("%s/%s", all.docroot, name);
	cleanup_free char *here = text_of("%s/%s", site()->temp.path, name);

	p->program = (struct program)PROGRAM_NONE;
	published_make(&p->published, kind, dir, &all.key);
	copy_template(&p->published);
	p->server = http_server_start();
	http_server_pass_on(p->server, all.web.port);
	p->url = text_of("%s/%s", http_server_url(p->server), name);
	checkout_make(&p->checkout, here);
	describe_broken(p);
	describe_steady(p);
	return p;
}

void place_start(struct place *p)
{
	program_release(&p->program);
	checkout_start_crawl(&p->checkout, &p->program, NULL);
}

static void finish(struct place *p, int code, const char *what)
{
	program_finish(&p->program);
	cr_expect_eq(p->program.code, code, "%s: exit %d, expected %d:\n%s", what, p->program.code, code,
		     buf_text(&p->program.err));
}

void place_expect(const struct place *p, const char *distro, const unsigned *kernels)
{
	bool broken = strcmp(distro, "broken") == 0;
	const struct published *t = broken ? &p->published : template_of(&published_apt);
	cleanup_free char *url = broken ? text_of("%s", p->url) : text_of("%s/%s", all.web.url, path_base(t->dir));
	cleanup_free char *list = published_list(t, url, kernels), *digests = published_digests(t, url, kernels);

	checkout_expect(&p->checkout, distro, ".txt", list);
	checkout_expect(&p->checkout, distro, ".digests", digests);
}

void place_expect_steady(const struct place *p, const char *what)
{
	static const unsigned three[] = { 9, 10, 11, 0 };
	const struct published *t = template_of(&published_apt);
	cleanup_free char *url = text_of("%s/%s", all.web.url, path_base(t->dir)), *list = published_list(t, url, three);
	cleanup_free char *path = checkout_path(&p->checkout, "steady", ".txt");
	cleanup_buf struct buf have = { 0 };

	file_bytes(path, &have);
	cr_expect_str_eq(buf_text(&have), list, "%s: the other distro was not crawled:\n%s", what, buf_text(&p->program.err));
}

/* What the first crawl has seen stays in the list; the templates have a new kernel from here on. */
static void go_on(void)
{
	for (size_t i = 0; i < all.template_count; i++)
		published_put(&all.templates[i], 11);
	for (size_t i = 0; i < all.place_count; i++)
		copy_template(&all.places[i].published);
}

struct place *place_open(const struct published_kind *kind)
{
	struct place *p = place_make(kind);

	place_start(p);
	finish(p, 0, "the first crawl");
	go_on();
	checkout_remember(&p->checkout, "broken", &p->before);
	return p;
}

void place_heal(struct place *p)
{
	http_server_forget(p->server);
	describe_broken(p);
	copy_template(&p->published);
}

/* --- the faults --- */

/* Lines of text that hold both words. */
static size_t count_lines(const char *text, const char *word, const char *other, char *ret_line, size_t room)
{
	size_t count = 0;

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		cleanup_free char *one = text_of("%.*s", (int)n, line);
		if (strstr(one, word) && strstr(one, other)) {
			snprintf(ret_line, room, "%s", one);
			count++;
		}
		line += n + (line[n] == '\n');
	}
	return count;
}

static void expect_one_error(const struct place *p, const struct fault *f)
{
	const char *text = buf_text(&p->program.err);
	char line[4096] = "";

	cr_expect_eq(count_lines(text, "error: ", "", line, sizeof(line)), 1, "%s: more or less than one error:\n%s", f->name,
		     text);
	cr_expect(strstr(line, "broken") && strstr(line, "'main'") && strstr(line, "http://") && strstr(line, f->where) &&
			  strstr(line, f->what),
		  "%s: expected broken, 'main', '%s', '%s':\n%s", f->name, f->where, f->what, text);
}

static void expect_outcome(struct place *p, const struct fault *f)
{
	static const unsigned three[] = { 9, 10, 11, 0 };

	finish(p, f->where ? 1 : 0, f->name);
	place_expect_steady(p, f->name);
	if (!f->where) {
		place_expect(p, "broken", three);
		return;
	}
	checkout_expect_same(&p->checkout, "broken", &p->before, f->name);
	expect_one_error(p, f);
}

void places_try(const struct fault *faults, size_t count)
{
	static const unsigned three[] = { 9, 10, 11, 0 };
	struct place *first = &all.places[all.place_count];

	for (size_t i = 0; i < count; i++)
		place_start(place_make(faults[i].kind));
	for (size_t i = 0; i < count; i++)
		finish(&first[i], 0, "the first crawl");
	go_on();
	for (size_t i = 0; i < count; i++) {
		checkout_remember(&first[i].checkout, "broken", &first[i].before);
		faults[i].happens(&first[i]);
		repository_stamp(first[i].published.dir);
		place_start(&first[i]);
	}
	for (size_t i = 0; i < count; i++)
		expect_outcome(&first[i], &faults[i]);
	for (size_t i = 0; i < count; i++) {
		place_heal(&first[i]);
		place_start(&first[i]);
	}
	for (size_t i = 0; i < count; i++) {
		finish(&first[i], 0, faults[i].name);
		place_expect(&first[i], "broken", three);
	}
}

/* --- what goes wrong --- */

void place_put(struct place *p, const char *name, const char *text)
{
	file_put(p->published.dir, name, text);
}

void place_truncate(struct place *p, const char *name)
{
	cleanup_free char *path = text_of("%s/%s", p->published.dir, name);
	cleanup_buf struct buf bytes = { 0 };

	file_bytes(path, &bytes);
	cr_assert(truncate(path, (off_t)(bytes.len / 2)) == 0);
}

void place_edit(struct place *p, const char *name, const char *word, const char *with)
{
	cleanup_free char *path = text_of("%s/%s", p->published.dir, name);
	cleanup_buf struct buf bytes = { 0 };
	cleanup_buf struct buf changed = { 0 };

	file_bytes(path, &bytes);
	cr_assert(strstr(buf_text(&bytes), word), "'%s' is not in '%s'", word, path);
	text_replace(buf_text(&bytes), word, with, &changed);
	place_put(p, name, buf_text(&changed));
}

const char *place_find(struct place *p, const char *part)
{
	cleanup_strv struct strv files = { 0 };
	struct err e;

	tree_list(p->published.dir, &files);
	for (size_t i = 0; i < files.len; i++)
		if (strstr(path_base(files.items[i]), part)) {
			buf_clear(&p->body);
			cr_assert(buf_puts(&p->body, files.items[i], &e) == 0);
			return buf_text(&p->body);
		}
	cr_assert_fail("there is no '%s' in '%s'", part, p->published.dir);
	return NULL;
}

void place_answer(struct place *p, const char *name, struct http_step step)
{
	cleanup_free char *path =
		strcmp(name, HTTP_EVERY_PATH) == 0 ? text_of("%s", name) : text_of("/%s/%s", path_base(p->published.dir), name);

	http_server_add(p->server, path, &step);
}
