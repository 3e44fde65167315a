#include "crawling.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

void give_index(struct site *s, const char *options, const char *more)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;
	cleanup_free char *path = path_join(s->root, "distros/second.yaml", &e);

	cr_assert_eq(file_read(path, 1 << 20, &text, &e), 0);
	cr_assert_eq(
		buf_printf(&text, &e,
			   "%s"
			   "indexes:\n"
			   "  - name: main\n"
			   "    json: {urls: 'file://%s/index.json', steps: [{path: [kernels, '*'], reference: 'pool/${value}'}]}\n"
			   "    packages: 'devel-.*'\n%s",
			   options, s->root, more),
		0);
	site_write(s, "distros/second.yaml", buf_text(&text));
	/* The other one's list is made by hand. */
	site_write(s, LIST_PATH, "");
}

void publish(struct site *s, const char *numbers)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *copy = strdup(numbers);
	const char *comma = "";
	struct err e;

	cr_assert_eq(buf_puts(&text, "{\"kernels\": [", &e), 0);
	for (char *rest = copy, *number; (number = strsep(&rest, " "));)
		if (*number) {
			cr_assert_eq(buf_printf(&text, &e, "%s\"devel-5.14.0-%s.x86_64_1.deb\"", comma, number), 0);
			comma = ", ";
		}
	cr_assert_eq(buf_puts(&text, "]}\n", &e), 0);
	site_write(s, "index.json", buf_text(&text));
}

void expect_listed(struct site *s, const char *path, const char *numbers)
{
	cleanup_buf struct buf text = { 0 }, found = { 0 };
	struct err e = { 0 };
	cleanup_free char *full = path_join(s->root, path, &e);

	if (file_read(full, 1 << 20, &text, &e) < 0)
		cr_assert_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	for (const char *at = buf_text(&text); (at = strstr(at, "/devel-5.14.0-"));) {
		at += strlen("/devel-5.14.0-");
		cr_assert_eq(buf_printf(&found, &e, "%s%.*s", found.len ? " " : "", (int)strcspn(at, "."), at), 0);
	}
	cr_expect_str_eq(buf_text(&found), numbers, "%s: %s", path, buf_text(&text));
}

int crawl(struct site *s, struct outcome *o, const char *const words[])
{
	const char *all[16] = { "crawl", "--progress", "plain" };
	size_t n = 3;

	for (; *words; words++)
		all[n++] = *words;
	run_on_site(s, all, o);
	return o->code;
}

char *text_of(struct site *s, const char *path)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;
	cleanup_free char *full = path_join(s->root, path, &e);

	if (file_read(full, 1 << 20, &text, &e) < 0)
		return strdup("");
	return strdup(buf_text(&text));
}

unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}
