#define HASH_NONFATAL_OOM 1

#include "kernel/list_merge.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/lines.h"
#include "kernel/list.h"
#include "kernel/version.h"

/* Borrowed bytes of an old text. */
struct piece {
	const char *at;
	size_t len;
};

struct entry {
	UT_hash_handle hh;
	char *url;
	struct piece comments, more_comments; /* lines above it; the second from the other file, where it stood in both */
	struct piece line;		      /* as it stood, with what is behind the URL; empty: new */
	bool was_uncrawled, found;
};

/* A file's head and foot. */
struct frame {
	struct piece head, foot;
};

struct merge {
	struct entry *by_url;
	size_t count;
	struct frame list, uncrawled;
};

void list_texts_release(struct list_texts *t)
{
	buf_release(&t->list);
	buf_release(&t->uncrawled);
}

static void merge_release(struct merge *m)
{
	struct entry *entry, *next;

	HASH_ITER(hh, m->by_url, entry, next)
	{
		HASH_DEL(m->by_url, entry);
		free(entry->url);
		free(entry);
	}
}

static struct entry *add_entry(struct merge *m, const char *url, size_t len, struct err *e)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry || !(entry->url = strndup(url, len))) {
		free(entry);
		err_no_memory(e);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, m->by_url, entry->url, len, entry);
	if (!entry->hh.tbl) {
		free(entry->url);
		free(entry);
		err_no_memory(e);
		return NULL;
	}
	m->count++;
	return entry;
}

/* One line with its URL. In both files: the list's line counts, the comments of both stay. */
static int take_line(struct merge *m, const struct line *line, struct piece comments, bool uncrawled, struct err *e)
{
	struct entry *entry;

	HASH_FIND(hh, m->by_url, line->text, line->len, entry);
	if (entry) {
		entry->more_comments = comments;
		if (entry->line.len == line->len)
			entry->line = (struct piece){ line->raw, line->raw_len };
		return 0;
	}
	entry = add_entry(m, line->text, line->len, e);
	if (!entry)
		return -1;
	entry->comments = comments;
	entry->line = (struct piece){ line->raw, line->raw_len };
	entry->was_uncrawled = uncrawled;
	return 0;
}

/* text is a list that was parsed without a finding. */
static int take_text(struct merge *m, const struct buf *text, bool uncrawled, struct err *e)
{
	struct frame *frame = uncrawled ? &m->uncrawled : &m->list;
	struct line_reader lines = { .at = text->data, .end = text->data + text->len };
	const char *loose = text->data; /* behind the last URL's line */
	struct line line;
	bool first = true;

	while (text->len && line_next(&lines, &line)) {
		if (!line.len)
			continue;
		struct piece comments = { loose, (size_t)(line.raw - loose) };
		if (first)
			frame->head = comments;
		if (take_line(m, &line, first ? (struct piece){ 0 } : comments, uncrawled, e) < 0)
			return -1;
		first = false;
		loose = lines.at;
	}
	struct piece rest = { loose, (size_t)(text->data + text->len - loose) };
	*(first ? &frame->head : &frame->foot) = rest;
	return 0;
}

static int check_text(const struct buf *text, const char *path, struct err *e)
{
	cleanup_kernel_list struct kernel_list list = { 0 };
	return kernel_list_parse(buf_text(text), text->len, path, &list, NULL, e);
}

static int take_old(struct merge *m, const struct list_texts *old, const char *path, struct err *e)
{
	cleanup_free char *uncrawled = kernel_list_uncrawled_path(path, e);

	if (!uncrawled || check_text(&old->list, path, e) < 0 || check_text(&old->uncrawled, uncrawled, e) < 0)
		return -1;
	return take_text(m, &old->list, false, e) < 0 ? -1 : take_text(m, &old->uncrawled, true, e);
}

static int take_finds(struct merge *m, const struct list_finds *finds, struct list_changes *changes, struct err *e)
{
	for (size_t i = 0; i < finds->count; i++) {
		const char *url = finds->urls[i], *problem = url_problem(url, strlen(url));
		if (problem)
			return err_set(e, ERR_INPUT, "an index lists '%.300s': %s", url, problem);
		struct entry *entry;
		HASH_FIND_STR(m->by_url, url, entry);
		if (!entry) {
			entry = add_entry(m, url, strlen(url), e);
			if (!entry)
				return -1;
			changes->added++;
		}
		entry->found = true;
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	return version_compare_natural((*(struct entry *const *)a)->url, (*(struct entry *const *)b)->url);
}

/* Whole lines; the last one of a file may have lacked its LF. */
static int put_lines(struct buf *to, struct piece p, struct err *e)
{
	if (!p.len)
		return 0;
	if (buf_append(to, p.at, p.len, e) < 0)
		return -1;
	return p.at[p.len - 1] == '\n' ? 0 : buf_puts(to, "\n", e);
}

static int put_entry(struct buf *to, const struct entry *entry, struct err *e)
{
	const struct piece new_line = { entry->url, strlen(entry->url) };

	if (put_lines(to, entry->comments, e) < 0 || put_lines(to, entry->more_comments, e) < 0)
		return -1;
	return put_lines(to, entry->line.len ? entry->line : new_line, e);
}

static int put_head(struct buf *uncrawled, const struct merge *m, const char *path, const struct list_changes *changes,
		    struct err *e)
{
	const struct piece *head = &m->uncrawled.head;

	if (head->len || m->uncrawled.foot.len || !changes->moved)
		return put_lines(uncrawled, *head, e);
	return buf_printf(uncrawled, e, "# Published once, listed by no index any more; read together with %s.\n", path_base(path));
}

static int put_all(struct merge *m, struct entry **sorted, bool forgets, const char *path, struct list_texts *to,
		   struct list_changes *changes, struct err *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct entry *entry = sorted[i];
		changes->moved += forgets && !entry->found && !entry->was_uncrawled;
		changes->returned += entry->found && entry->was_uncrawled;
	}
	if (put_lines(&to->list, m->list.head, e) < 0 || put_head(&to->uncrawled, m, path, changes, e) < 0)
		return -1;
	for (size_t i = 0; i < m->count; i++) {
		const struct entry *entry = sorted[i];
		bool uncrawled = !entry->found && (forgets || entry->was_uncrawled);
		if (put_entry(uncrawled ? &to->uncrawled : &to->list, entry, e) < 0)
			return -1;
	}
	return put_lines(&to->list, m->list.foot, e) < 0 ? -1 : put_lines(&to->uncrawled, m->uncrawled.foot, e);
}

int list_merge(const struct list_texts *old, const char *path, const struct list_finds *finds, struct list_texts *ret,
	       struct list_changes *changes, struct err *e)
{
	__attribute__((cleanup(merge_release))) struct merge m = { 0 };
	cleanup_list_texts struct list_texts made = { 0 };
	struct list_changes counted = { 0 };

	if (take_old(&m, old, path, e) < 0)
		return -1;
	counted.known = m.count;
	if (take_finds(&m, finds, &counted, e) < 0)
		return -1;
	cleanup_free struct entry **sorted = calloc(m.count ? m.count : 1, sizeof(struct entry *));
	if (!sorted)
		return err_no_memory(e);
	size_t n = 0;
	for (struct entry *entry = m.by_url; entry; entry = entry->hh.next)
		sorted[n++] = entry;
	qsort(sorted, n, sizeof(*sorted), compare_entries);
	if (put_all(&m, sorted, finds->forgets, path, &made, &counted, e) < 0)
		return -1;
	*ret = made;
	made = (struct list_texts){ 0 };
	*changes = counted;
	return 0;
}

static int read_text(const char *path, struct buf *text, struct err *e)
{
	struct err why = { 0 };

	if (file_read(path, KERNEL_LIST_MAX_BYTES, text, &why) == 0 || why.kind == ERR_NOT_FOUND)
		return 0;
	if (e)
		*e = why;
	return -1;
}

/* No empty file where there was none. */
static int write_text(const char *path, const struct buf *was, const struct buf *text, struct err *e)
{
	if (!was->len && !text->len)
		return 0;
	return file_replace(path, buf_text(text), text->len, 0666, e);
}

/* One direction at a time, and what takes in lines is written before what gives them away. */
static int write_step(const char *path, const char *uncrawled, const struct list_texts *old, const struct list_texts *made,
		      bool uncrawled_first, struct err *e)
{
	if (uncrawled_first && write_text(uncrawled, &old->uncrawled, &made->uncrawled, e) < 0)
		return -1;
	if (write_text(path, &old->list, &made->list, e) < 0)
		return -1;
	return uncrawled_first ? 0 : write_text(uncrawled, &old->uncrawled, &made->uncrawled, e);
}

int list_update(const char *path, const struct list_finds *finds, bool dry_run, struct list_changes *ret, struct err *e)
{
	cleanup_list_texts struct list_texts old = { 0 }, kept = { 0 }, made = { 0 };
	cleanup_free char *uncrawled = kernel_list_uncrawled_path(path, e);
	const struct list_finds only_add = { .urls = finds->urls, .count = finds->count };
	struct list_changes changes, ignored;

	if (!uncrawled || read_text(path, &old.list, e) < 0 || read_text(uncrawled, &old.uncrawled, e) < 0)
		return -1;
	/* First what is added and comes back, then what moves away. */
	if (list_merge(&old, path, finds, &made, &changes, e) < 0 || list_merge(&old, path, &only_add, &kept, &ignored, e) < 0)
		return -1;
	if (!dry_run &&
	    (write_step(path, uncrawled, &old, &kept, false, e) < 0 || write_step(path, uncrawled, &kept, &made, true, e) < 0))
		return -1;
	*ret = changes;
	return 0;
}
