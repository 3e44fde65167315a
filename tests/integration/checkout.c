#include "checkout.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "tree.h"

enum { WORDS_MAX = 32 };

static const char *const suffixes[] = { ".txt", "-uncrawled.txt", ".digests", ".counts" };

void checkout_make(struct checkout *c, const char *dir)
{
	*c = (struct checkout){ .root = text_of("%s/checkout", dir), .cache = text_of("%s/cache", dir) };
	cleanup_free char *lists = text_of("%s/supported-kernels", c->root), *distros = text_of("%s/distros", c->root);
	struct err e;

	cr_assert(path_make_dirs(lists, &e) == 0 && path_make_dirs(distros, &e) == 0, "%s", e.message);
}

void checkout_release(struct checkout *c)
{
	free(c->root);
	free(c->cache);
	*c = (struct checkout){ 0 };
}

void checkout_describe(const struct checkout *c, const char *example, const char *name, const char *more)
{
	cleanup_free char *from = text_of("%s/tests/data/integration/%s.yaml", site()->root, example);
	cleanup_free char *to = text_of("distros/%s.yaml", name);
	cleanup_buf struct buf rules = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	file_bytes(from, &rules);
	text_replace(buf_text(&rules), "example", name, &text);
	cr_assert(buf_puts(&text, more, &e) == 0);
	file_put(c->root, to, buf_text(&text));
}

char *checkout_path(const struct checkout *c, const char *name, const char *suffix)
{
	return text_of("%s/supported-kernels/%s%s", c->root, name, suffix);
}

static void read_if_there(const char *path, struct buf *ret)
{
	buf_clear(ret);
	if (file_is_there(path))
		file_bytes(path, ret);
}

void checkout_expect(const struct checkout *c, const char *name, const char *suffix, const char *text)
{
	cleanup_free char *path = checkout_path(c, name, suffix);
	cleanup_buf struct buf have = { 0 };

	read_if_there(path, &have);
	/* A list that the crawl makes itself says at its top what it is. */
	while (have.len && have.data[0] == '#')
		buf_consume(&have, strcspn(have.data, "\n") + 1);
	cr_expect_str_eq(buf_text(&have), text, "%s%s is\n%snot\n%s", name, suffix, buf_text(&have), text);
}

void checkout_remember(const struct checkout *c, const char *name, struct checkout_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		cleanup_free char *path = checkout_path(c, name, suffixes[i]);
		read_if_there(path, &ret->files[i]);
	}
}

void checkout_expect_same(const struct checkout *c, const char *name, const struct checkout_state *before, const char *what)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		cleanup_free char *path = checkout_path(c, name, suffixes[i]);
		cleanup_buf struct buf now = { 0 };
		read_if_there(path, &now);
		cr_expect(now.len == before->files[i].len && memcmp(buf_text(&now), buf_text(&before->files[i]), now.len) == 0,
			  "%s: %s%s was\n%sand is\n%s", what, name, suffixes[i], buf_text(&before->files[i]), buf_text(&now));
	}
}

void checkout_state_release(struct checkout_state *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->files); i++)
		buf_release(&s->files[i]);
}

static void start(const struct checkout *c, struct program *p, va_list more)
{
	const char *argv[WORDS_MAX + 1] = {
		getenv("ORCHESTRATE_PROGRAM"), "crawl", "--root", c->root, "--cache", c->cache, "--progress", "plain",
	};
	size_t count = 8;

	for (const char *word; (word = va_arg(more, const char *));) {
		cr_assert_lt(count, WORDS_MAX);
		argv[count++] = word;
	}
	program_start(p, argv);
}

void checkout_start_crawl(const struct checkout *c, struct program *p, ...)
{
	va_list more;

	va_start(more, p);
	start(c, p, more);
	va_end(more);
}

void checkout_crawl(const struct checkout *c, struct program *p, int code, ...)
{
	va_list more;

	program_release(p);
	va_start(more, code);
	start(c, p, more);
	va_end(more);
	program_finish(p);
	cr_expect_eq(p->code, code, "orchestrate crawl: exit %d, expected %d:\n%s%s", p->code, code, buf_text(&p->out),
		     buf_text(&p->err));
}
