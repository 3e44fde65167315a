#include "crawl/counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/lines.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static const char head[] =
	"# How many packages each index listed at the last crawl. One that lists much less is taken for broken.\n";

void index_counts_release(struct index_counts *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->items[i].index);
	free(c->items);
	*c = (struct index_counts){ 0 };
}

char *index_counts_path(const char *list_path, struct err *e)
{
	size_t len = strlen(list_path) - (str_ends(list_path, ".txt") ? strlen(".txt") : 0);

	return str_printf(e, "%.*s.counts", (int)len, list_path);
}

/* Where it is, or belongs. */
static size_t place_of(const struct index_counts *c, const char *index)
{
	size_t i = 0;

	while (i < c->count && strcmp(c->items[i].index, index) < 0)
		i++;
	return i;
}

static bool is_at(const struct index_counts *c, size_t i, const char *index)
{
	return i < c->count && strcmp(c->items[i].index, index) == 0;
}

uint64_t index_counts_find(const struct index_counts *c, const char *index)
{
	size_t i = place_of(c, index);

	return is_at(c, i, index) ? c->items[i].packages : 0;
}

int index_counts_set(struct index_counts *c, const char *index, uint64_t packages, struct err *e)
{
	size_t i = place_of(c, index);

	if (is_at(c, i, index)) {
		c->items[i].packages = packages;
		return 0;
	}
	struct index_count *grown = reallocarray(c->items, c->count + 1, sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	c->items = grown;
	char *copy = str_dup(index, e);
	if (!copy)
		return -1;
	memmove(&grown[i + 1], &grown[i], (c->count - i) * sizeof(*grown));
	grown[i] = (struct index_count){ .index = copy, .packages = packages };
	c->count++;
	return 0;
}

static int take_line(struct index_counts *c, const struct line *line, struct err *e)
{
	static const char between[] = "  ";
	cleanup_free char *text = strndup(line->text, line->len);
	unsigned long long packages;

	if (!text)
		return err_no_memory(e);
	char *blanks = strstr(text, between);
	if (!blanks || !blanks[2] || blanks[2] == ' ')
		return err_set(e, ERR_INPUT, "expected `<packages>  <index>`");
	*blanks = '\0';
	if (str_to_u64(text, UINT64_MAX, &packages, e) < 0)
		return err_set(e, ERR_INPUT, "'%s' is no number", text);
	const char *index = blanks + strlen(between);
	if (index_counts_set(c, index, packages, e) < 0)
		return -1;
	c->items[place_of(c, index)].line = line->number;
	return 0;
}

int index_counts_load(const char *path, struct index_counts *ret, struct err *e)
{
	cleanup_index_counts struct index_counts c = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct line line;

	if (file_read(path, FILE_MAX_BYTES, &text, e) < 0) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		err_clear(e);
	}
	struct line_reader reader = { .at = buf_text(&text), .end = buf_text(&text) + text.len };
	while (line_next(&reader, &line)) {
		if (line.problem)
			return err_set(e, ERR_INPUT, "%s:%u: %s", path, line.number, line.problem);
		if (line.len && take_line(&c, &line, e) < 0)
			return err_wrap(e, "%s:%u", path, line.number);
	}
	*ret = c;
	c = (struct index_counts){ 0 };
	return 0;
}

int index_counts_save(const struct index_counts *c, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (buf_puts(&text, head, e) < 0)
		return -1;
	for (size_t i = 0; i < c->count; i++)
		if (buf_printf(&text, e, "%" PRIu64 "  %s\n", c->items[i].packages, c->items[i].index) < 0)
			return -1;
	return file_replace(path, buf_text(&text), text.len, 0666, e);
}
