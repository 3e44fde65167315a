#define HASH_NONFATAL_OOM 1

#include "kernel/digests.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/file.h"
#include "kernel/lines.h"
#include "kernel/list.h"

struct table_entry {
	UT_hash_handle hh;
	struct package_digest digest;
};

struct digest_table {
	struct table_entry *by_url;
};

static void entry_free(struct table_entry *entry)
{
	free(entry->digest.url);
	free(entry);
}

DEFINE_CLEANUP(entry, struct table_entry, entry_free)

void digest_table_free(struct digest_table *t)
{
	if (!t)
		return;
	struct table_entry *entry, *next;
	HASH_ITER(hh, t->by_url, entry, next)
	{
		HASH_DEL(t->by_url, entry);
		entry_free(entry);
	}
	free(t);
}

/* Takes the field up to two blanks; NULL when they are missing. */
static char *take_field(char **at)
{
	char *field = *at, *gap = strstr(field, "  ");
	if (!gap)
		return NULL;
	*gap = '\0';
	*at = gap + 2;
	return field;
}

/* The entry of one line, *e without place. */
static int parse_entry(const struct line *line, struct table_entry *entry, struct err *e)
{
	cleanup_free char *text = strndup(line->text, line->len);
	if (!text)
		return err_no_memory(e);
	char *url = text;
	const char *hex = take_field(&url), *size = hex ? take_field(&url) : NULL;
	if (!size)
		return err_set(e, ERR_INPUT, "expected '<sha256>  <size>  <url>' with two blanks between");
	if (digest_parse(hex, &entry->digest.sha256, e) < 0)
		return -1;
	unsigned long long bytes;
	if (str_to_u64(size, INT64_MAX, &bytes, NULL) < 0)
		return err_set(e, ERR_INPUT, "'%s' is no size in bytes", size);
	entry->digest.size_bytes = bytes;
	const char *problem = url_problem(url, strlen(url));
	if (problem)
		return err_set(e, ERR_INPUT, "%s", problem);
	entry->digest.url = str_dup(url, e);
	return entry->digest.url ? 0 : -1;
}

static int add_line(struct digest_table *t, const struct line *line, const char **previous, struct err *e)
{
	if (line->problem)
		return err_set(e, ERR_INPUT, "%s", line->problem);
	if (line->len == 0)
		return 0;
	cleanup_of(entry) struct table_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return err_no_memory(e);
	if (parse_entry(line, entry, e) < 0)
		return -1;
	const char *url = entry->digest.url;
	int order = *previous ? strcmp(*previous, url) : -1;
	if (order >= 0)
		return err_set(e, ERR_INPUT, order ? "not in the order of the URLs" : "the same URL as in the line before");
	HASH_ADD_KEYPTR(hh, t->by_url, url, strlen(url), entry);
	if (!entry->hh.tbl)
		return err_no_memory(e);
	*previous = url;
	steal_ptr(&entry);
	return 0;
}

int digest_table_parse(const char *text, size_t len, const char *name, struct digest_table **ret, struct err *e)
{
	cleanup_of(digest_table) struct digest_table *t = calloc(1, sizeof(*t));
	if (!t)
		return err_no_memory(e);
	struct line_reader lines = { .at = text, .end = text + len };
	struct line line;
	const char *previous = NULL;
	while (line_next(&lines, &line))
		if (add_line(t, &line, &previous, e) < 0)
			return err_wrap(e, "%s:%u", name, line.number);
	*ret = steal_ptr(&t);
	return 0;
}

int digest_table_load(const char *path, struct digest_table **ret, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	struct err problem = { 0 };
	if (file_read(path, KERNEL_LIST_MAX_BYTES, &text, &problem) < 0 && problem.kind != ERR_NOT_FOUND) {
		if (e)
			*e = problem;
		return -1;
	}
	return digest_table_parse(buf_text(&text), text.len, path, ret, e);
}

const struct package_digest *digest_table_find(const struct digest_table *t, const char *url)
{
	struct table_entry *entry = NULL;
	HASH_FIND_STR(t->by_url, url, entry);
	return entry ? &entry->digest : NULL;
}

size_t digest_table_count(const struct digest_table *t)
{
	return HASH_COUNT(t->by_url);
}

char *digest_table_path(const char *list_path, struct err *e)
{
	size_t len = strlen(list_path) - (str_ends(list_path, ".txt") ? strlen(".txt") : 0);
	return str_printf(e, "%.*s.digests", (int)len, list_path);
}
