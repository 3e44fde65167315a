#define HASH_NONFATAL_OOM 1

#include "kernel/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/findings.h"
#include "kernel/lines.h"

/* Where a URL was seen first. Key bytes are borrowed from the file's text. */
struct seen {
	UT_hash_handle hh;
	unsigned line;
};

struct list_parser {
	struct kernel_list list;
	size_t room;
	struct seen *seen;
	struct findings findings;
	struct err *e;
};

static void parser_release(struct list_parser *p)
{
	struct seen *seen, *next;
	HASH_ITER(hh, p->seen, seen, next)
	{
		HASH_DEL(p->seen, seen);
		free(seen);
	}
	kernel_list_release(&p->list);
}

static int add_url(struct list_parser *p, const struct line *line)
{
	struct kernel_list *list = &p->list;
	if (list->count == p->room) {
		size_t room = p->room ? 2 * p->room : 256;
		struct kernel_url *urls = realloc(list->urls, room * sizeof(*urls));
		if (!urls)
			return err_no_memory(p->e);
		list->urls = urls;
		p->room = room;
	}
	char *url = strndup(line->text, line->len);
	if (!url)
		return err_no_memory(p->e);
	list->urls[list->count++] = (struct kernel_url){ .url = url, .line = line->number };
	return 0;
}

static int parse_line(struct list_parser *p, const struct line *line)
{
	if (line->problem)
		return findings_add(&p->findings, line->number, p->e, "%s", line->problem);
	if (line->len == 0)
		return 0;
	const char *problem = url_problem(line->text, line->len);
	if (problem)
		return findings_add(&p->findings, line->number, p->e, "%s", problem);
	struct seen *seen = NULL;
	HASH_FIND(hh, p->seen, line->text, line->len, seen);
	if (seen)
		return findings_add(&p->findings, line->number, p->e, "the same URL as in line %u", seen->line);
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return err_no_memory(p->e);
	seen->line = line->number;
	HASH_ADD_KEYPTR(hh, p->seen, line->text, line->len, seen);
	if (!seen->hh.tbl) {
		free(seen);
		return err_no_memory(p->e);
	}
	return add_url(p, line);
}

int kernel_list_parse(const char *text, size_t len, const char *name, struct kernel_list *ret, struct strv *findings, struct err *e)
{
	__attribute__((cleanup(parser_release))) struct list_parser p = { .findings = { .name = name, .texts = findings }, .e = e };
	struct line_reader lines = { .at = text, .end = text + len };
	struct line line;
	while (line_next(&lines, &line))
		if (parse_line(&p, &line) < 0)
			return -1;
	if (findings_end(&p.findings, e) < 0)
		return -1;
	*ret = p.list;
	p.list = (struct kernel_list){ 0 };
	return 0;
}

int kernel_list_load(const char *path, struct kernel_list *ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	if (file_read(path, KERNEL_LIST_MAX_BYTES, &text, e) < 0)
		return -1;
	return kernel_list_parse(buf_text(&text), text.len, path, ret, findings, e);
}

char *kernel_list_uncrawled_path(const char *path, struct err *e)
{
	const char *suffix = str_ends(path, ".txt") ? ".txt" : "";
	return str_printf(e, "%.*s-uncrawled%s", (int)(strlen(path) - strlen(suffix)), path, suffix);
}

static int compare_urls(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes over those of `more` that the list does not have. */
static int append_uncrawled(struct kernel_list *list, struct kernel_list *more, struct err *e)
{
	size_t n = list->count;
	cleanup_free char **known = calloc(n ? n : 1, sizeof(*known));
	struct kernel_url *grown = realloc(list->urls, (n + more->count) * sizeof(*grown));

	if (grown)
		list->urls = grown;
	if (!known || !grown)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++)
		known[i] = list->urls[i].url;
	qsort(known, n, sizeof(*known), compare_urls);
	for (size_t i = 0; i < more->count; i++) {
		struct kernel_url *u = &more->urls[i];
		if (bsearch(&u->url, known, n, sizeof(*known), compare_urls))
			continue;
		u->uncrawled = true;
		list->urls[list->count++] = *u;
		u->url = NULL;
	}
	return 0;
}

int kernel_list_load_all(const char *path, struct kernel_list *ret, struct strv *findings, struct err *e)
{
	cleanup_kernel_list struct kernel_list list = { 0 }, more = { 0 };
	cleanup_free char *uncrawled = kernel_list_uncrawled_path(path, e);
	struct err why = { 0 };

	if (!uncrawled || kernel_list_load(path, &list, findings, e) < 0)
		return -1;
	if (kernel_list_load(uncrawled, &more, findings, &why) < 0 && why.kind != ERR_NOT_FOUND) {
		if (e)
			*e = why;
		return -1;
	}
	if (more.count && append_uncrawled(&list, &more, e) < 0)
		return -1;
	*ret = list;
	list = (struct kernel_list){ 0 };
	return 0;
}

void kernel_list_release(struct kernel_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->urls[i].url);
	free(list->urls);
	*list = (struct kernel_list){ 0 };
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes in place; false for a bad escape, a slash or a control byte. */
static bool decode_part(char *part)
{
	char *to = part;
	for (const char *from = part; *from; from++) {
		int c = (unsigned char)*from;
		if (c == '%') {
			int high = hex_value(from[1]), low = high < 0 ? -1 : hex_value(from[2]);
			if (low < 0)
				return false;
			c = high << 4 | low;
			from += 2;
		}
		if (c < ' ' || c == 0x7f || c == '/')
			return false;
		*to++ = (char)c;
	}
	*to = '\0';
	return true;
}

/* Decodes one part of the path and puts it at the end of *out. */
static int append_part(struct buf *out, const char *part, size_t len, const char *url, struct err *e)
{
	cleanup_free char *text = strndup(part, len);
	if (!text)
		return err_no_memory(e);
	if (!decode_part(text) || !*text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return err_set(e, ERR_INPUT, "'%s' has no usable file name", url);
	return buf_printf(out, e, "%s%s", out->len ? "/" : "", text);
}

/* Where the path begins: the slash behind the host, or the third one of file:///. */
static const char *path_start(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? strchrnul(host + 3, '/') : url;
}

char *kernel_url_tail(const char *url, unsigned parts, struct err *e)
{
	cleanup_buf struct buf tail = { 0 };
	const char *end = url + strcspn(url, "?#"), *first = path_start(url), *at = end;
	for (unsigned i = 0; at > first && i < parts; i++)
		for (at--; at > first && *at != '/'; at--)
			;
	do {
		at += at < end && *at == '/';
		const char *part_end = memchr(at, '/', (size_t)(end - at));
		if (!part_end)
			part_end = end;
		if (append_part(&tail, at, (size_t)(part_end - at), url, e) < 0)
			return NULL;
		at = part_end;
	} while (at < end);
	return buf_steal(&tail);
}

char *kernel_url_name(const char *url, struct err *e)
{
	return kernel_url_tail(url, 1, e);
}
