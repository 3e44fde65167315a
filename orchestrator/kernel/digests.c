#define HASH_NONFATAL_OOM 1

#include "kernel/digests.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/file.h"
#include "kernel/findings.h"
#include "kernel/lines.h"
#include "kernel/list.h"

struct table_entry {
	UT_hash_handle hh;
	struct package_digest digest;
	char *above;  /* comment lines; NULL: none */
	char *behind; /* in its line, with the blanks before it; NULL: nothing */
};

struct digest_table {
	struct table_entry *by_url;
	struct buf head, foot; /* comment lines above the first and below the last entry */
};

static void entry_free(struct table_entry *entry)
{
	free(entry->digest.url);
	free(entry->above);
	free(entry->behind);
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
	buf_release(&t->head);
	buf_release(&t->foot);
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

static int insert(struct digest_table *t, struct table_entry *entry, struct err *e)
{
	const char *url = entry->digest.url;

	HASH_ADD_KEYPTR(hh, t->by_url, url, strlen(url), entry);
	return entry->hh.tbl ? 0 : err_no_memory(e);
}

/* What was read so far are comments, and no entry: they are the table's head. */
static void foot_is_head(struct digest_table *t)
{
	if (t->by_url || !t->foot.len)
		return;
	t->head = t->foot;
	t->foot = (struct buf){ 0 };
}

/* The comment lines since the last entry. */
static int take_comments(struct digest_table *t, struct table_entry *entry, struct err *e)
{
	foot_is_head(t);
	if (!t->foot.len)
		return 0;
	entry->above = buf_steal(&t->foot);
	return entry->above ? 0 : err_no_memory(e);
}

static int add_line(struct digest_table *t, const struct line *line, const char **previous, struct err *e)
{
	if (line->problem)
		return err_set(e, ERR_INPUT, "%s", line->problem);
	if (line->len == 0)
		return buf_append(&t->foot, line->raw, line->raw_len, e) < 0 ? -1 : buf_puts(&t->foot, "\n", e);
	cleanup_of(entry) struct table_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return err_no_memory(e);
	if (parse_entry(line, entry, e) < 0 || take_comments(t, entry, e) < 0)
		return -1;
	if (line->raw_len > line->len && !(entry->behind = strndup(line->raw + line->len, line->raw_len - line->len)))
		return err_no_memory(e);
	entry->digest.line = line->number;
	const char *url = entry->digest.url;
	int order = *previous ? strcmp(*previous, url) : -1;
	if (order >= 0)
		return err_set(e, ERR_INPUT, order ? "not in the order of the URLs" : "the same URL as in the line before");
	if (insert(t, entry, e) < 0)
		return -1;
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
	foot_is_head(t);
	*ret = steal_ptr(&t);
	return 0;
}

int digest_table_check(const char *text, size_t len, const char *name, struct digest_table **ret, struct strv *findings,
		       struct err *e)
{
	cleanup_of(digest_table) struct digest_table *t = calloc(1, sizeof(*t));
	if (!t)
		return err_no_memory(e);
	struct findings found = { .name = name, .texts = findings };
	struct line_reader lines = { .at = text, .end = text + len };
	struct line line;
	const char *previous = NULL;
	while (line_next(&lines, &line)) {
		struct err problem = { 0 };
		if (add_line(t, &line, &previous, &problem) < 0 && findings_add(&found, line.number, e, "%s", problem.message) < 0)
			return -1;
	}
	if (findings_end(&found, e) < 0)
		return -1;
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

const struct package_digest *digest_table_next(const struct digest_table *t, const struct package_digest *previous)
{
	const struct table_entry *entry = t->by_url;

	if (previous)
		entry = ((const struct table_entry *)((const char *)previous - offsetof(struct table_entry, digest)))->hh.next;
	return entry ? &entry->digest : NULL;
}

size_t digest_table_count(const struct digest_table *t)
{
	return HASH_COUNT(t->by_url);
}

int digest_table_merge(struct digest_table *t, const struct package_digest *d, bool replace, enum digest_merged *ret, struct err *e)
{
	struct table_entry *found = NULL;
	HASH_FIND_STR(t->by_url, d->url, found);
	if (found) {
		bool same = digest_equal(&found->digest.sha256, &d->sha256) && found->digest.size_bytes == d->size_bytes;
		*ret = same ? DIGEST_SAME : DIGEST_CHANGED;
		if (replace) {
			found->digest.sha256 = d->sha256;
			found->digest.size_bytes = d->size_bytes;
		}
		return 0;
	}
	const char *problem = url_problem(d->url, strlen(d->url));
	if (problem)
		return err_set(e, ERR_INPUT, "an index lists '%.300s': %s", d->url, problem);
	cleanup_of(entry) struct table_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return err_no_memory(e);
	entry->digest = *d;
	entry->digest.url = str_dup(d->url, e);
	if (!entry->digest.url || insert(t, entry, e) < 0)
		return -1;
	steal_ptr(&entry);
	*ret = DIGEST_ADDED;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(struct table_entry *const *)a)->digest.url, (*(struct table_entry *const *)b)->digest.url);
}

int digest_table_encode(const struct digest_table *t, struct buf *text, struct err *e)
{
	size_t count = HASH_COUNT(t->by_url), n = 0;
	cleanup_free struct table_entry **sorted = calloc(count ? count : 1, sizeof(struct table_entry *));

	if (!sorted)
		return err_no_memory(e);
	for (struct table_entry *entry = t->by_url; entry; entry = entry->hh.next)
		sorted[n++] = entry;
	qsort(sorted, n, sizeof(*sorted), compare_entries);
	if (buf_puts(text, buf_text(&t->head), e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct table_entry *entry = sorted[i];
		char hex[DIGEST_HEX + 1];
		digest_hex(&entry->digest.sha256, hex);
		if (buf_printf(text, e, "%s%s  %llu  %s%s\n", entry->above ? entry->above : "", hex,
			       (unsigned long long)entry->digest.size_bytes, entry->digest.url,
			       entry->behind ? entry->behind : "") < 0)
			return -1;
	}
	return buf_puts(text, buf_text(&t->foot), e);
}

int digest_table_store(const struct digest_table *t, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int there = path_exists(path, e);

	if (there < 0 || digest_table_encode(t, &text, e) < 0)
		return -1;
	return there || text.len ? file_replace(path, buf_text(&text), text.len, 0666, e) : 0;
}

char *digest_table_path(const char *list_path, struct err *e)
{
	size_t len = strlen(list_path) - (str_ends(list_path, ".txt") ? strlen(".txt") : 0);
	return str_printf(e, "%.*s.digests", (int)len, list_path);
}
