#define HASH_NONFATAL_OOM 1

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawl/counts.h"
#include "descriptor/folder.h"
#include "kernel/digests.h"
#include "lint/checkout.h"

#define FOLDER	   "supported-kernels"
#define BLOCK_LIST "BLOCKLIST"

/* All lines of a distro's lists. */
struct listed {
	UT_hash_handle hh;
	const struct kernel_url *url;
};

struct listed_urls {
	struct listed *by_url;
};

static void listed_urls_release(struct listed_urls *urls)
{
	struct listed *one, *next;

	HASH_ITER(hh, urls->by_url, one, next)
	{
		HASH_DEL(urls->by_url, one);
		free(one);
	}
}

static int fill_urls(const struct kernel_list *list, struct listed_urls *urls, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *url = list->urls[i].url;
		struct listed *one = calloc(1, sizeof(*one));
		if (!one)
			return err_no_memory(e);
		one->url = &list->urls[i];
		HASH_ADD_KEYPTR(hh, urls->by_url, url, strlen(url), one);
		if (!one->hh.tbl) {
			free(one);
			return err_no_memory(e);
		}
	}
	return 0;
}

/* The paths of one distro's files. */
struct paths {
	char *list, *uncrawled, *digests, *counts;
};

static void paths_release(struct paths *p)
{
	free(p->list);
	free(p->uncrawled);
	free(p->digests);
	free(p->counts);
}

static int paths_fill(struct checkout *c, const struct distro *distro, struct paths *p, struct err *e)
{
	p->list = checkout_path(c, distro->list, e);
	p->uncrawled = p->list ? kernel_list_uncrawled_path(p->list, e) : NULL;
	p->digests = p->uncrawled ? digest_table_path(p->list, e) : NULL;
	p->counts = p->digests ? index_counts_path(p->list, e) : NULL;
	if (!p->counts)
		return -1;
	const char *const all[] = { p->list, p->uncrawled, p->digests, p->counts };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strv_add(&c->companions, all[i], e) < 0)
			return -1;
	return 0;
}

/* 1 good, 0 missing or bad (that has been said), -1 error. */
static int check_list(struct checkout *c, const char *path, struct err *e)
{
	cleanup_kernel_list struct kernel_list list = { 0 };
	cleanup_strv struct strv findings = { 0 };
	int there = path_exists(path, e);

	if (there <= 0)
		return there;
	c->report->files++;
	if (kernel_list_load(path, &list, &findings, e) == 0)
		return 1;
	if (!findings.len)
		return checkout_blame(c, path, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < findings.len; i++)
		if (checkout_find(c, str_dup(findings.items[i], e), e) < 0)
			return -1;
	return 0;
}

static int say_leftovers(struct checkout *c, const struct paths *p, const struct kernel_set *set, struct err *e)
{
	for (size_t i = 0; i < set->leftover_count; i++) {
		const struct kernel_leftover *l = &set->leftovers[i];
		if (l->stands_elsewhere)
			continue;
		char *text = str_printf(e, "%s:%u: '%s' is left over: %s", l->uncrawled ? p->uncrawled : p->list, l->line,
					path_base(l->url), l->reason);
		if ((l->unknown ? checkout_find(c, text, e) : checkout_note(c, text, e)) < 0)
			return -1;
	}
	return 0;
}

/* The block list's rules see every kernel of the lists, whatever the module version. */
static int apply_rules(struct checkout *c, const struct kernel_set *set, struct err *e)
{
	static const bool none[KIND_COUNT];
	const struct block_rule *rules[KIND_COUNT];

	for (size_t i = 0; i < set->count; i++) {
		if (block_list_apply(c->block_list, set->kernels[i].id, "", none, rules, e) == 0)
			continue;
		/* The same pattern would give up again. */
		block_list_free(steal_ptr(&c->block_list));
		return e->kind == ERR_LIMIT ? checkout_find(c, str_dup(e->message, e), e) : -1;
	}
	return 0;
}

static int check_kernels(struct checkout *c, const struct distro *distro, const struct paths *p, const struct kernel_list *list,
			 struct err *e)
{
	cleanup_kernel_set struct kernel_set set = { 0 };

	if (kernel_group(&distro->kernel, list, &set, e) < 0)
		return checkout_blame(c, p->list, e) < 0 ? -1 : 0;
	return say_leftovers(c, p, &set, e) < 0 ? -1 : apply_rules(c, &set, e);
}

static bool has_digests(const struct distro *distro)
{
	for (size_t i = 0; i < distro->indexes.count; i++)
		if (distro->indexes.items[i].kind == INDEX_APT || distro->indexes.items[i].kind == INDEX_YUM)
			return true;
	return false;
}

/* By line: the table has no order. */
static int compare_digests(const void *a, const void *b)
{
	unsigned x = (*(const struct package_digest *const *)a)->line, y = (*(const struct package_digest *const *)b)->line;

	return (x > y) - (x < y);
}

static int say_strays(struct checkout *c, const char *path, const struct digest_table *table, const struct listed_urls *urls,
		      struct err *e)
{
	cleanup_free const struct package_digest **strays = calloc(digest_table_count(table) + 1, sizeof(*strays));
	const struct package_digest *d = NULL;
	size_t count = 0;

	if (!strays)
		return err_no_memory(e);
	while ((d = digest_table_next(table, d))) {
		struct listed *found = NULL;
		HASH_FIND_STR(urls->by_url, d->url, found);
		if (!found)
			strays[count++] = d;
	}
	qsort(strays, count, sizeof(*strays), compare_digests);
	for (size_t i = 0; i < count; i++)
		if (checkout_find(
			    c, str_printf(e, "%s:%u: a digest of what no list names: '%s'", path, strays[i]->line, strays[i]->url),
			    e) < 0)
			return -1;
	return 0;
}

/* One note for all: an archive that began to state digests late can have thousands without. */
static int note_missing(struct checkout *c, const struct paths *p, const struct kernel_list *list, const struct digest_table *table,
			struct err *e)
{
	const struct kernel_url *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (digest_table_find(table, list->urls[i].url))
			continue;
		first = count++ ? first : &list->urls[i];
	}
	if (!count)
		return 0;
	return checkout_note(c,
			     str_printf(e, "%s:%u: %zu line%s without digest, this is the first; it is recorded at the first fetch",
					first->uncrawled ? p->uncrawled : p->list, first->line, count, count == 1 ? "" : "s"),
			     e);
}

static int check_digests(struct checkout *c, const struct distro *distro, const struct paths *p, const struct kernel_list *list,
			 struct err *e)
{
	__attribute__((cleanup(listed_urls_release))) struct listed_urls urls = { 0 };
	cleanup_of(digest_table) struct digest_table *table = NULL;
	cleanup_buf struct buf text = { 0 };
	cleanup_strv struct strv findings = { 0 };
	int there = path_exists(p->digests, e);

	if (there < 0)
		return -1;
	c->report->files += (size_t)there;
	if (there && file_read(p->digests, KERNEL_LIST_MAX_BYTES, &text, e) < 0)
		return checkout_blame(c, p->digests, e) < 0 ? -1 : 0;
	if (digest_table_check(buf_text(&text), text.len, p->digests, &table, &findings, e) < 0) {
		for (size_t i = 0; i < findings.len; i++)
			if (checkout_find(c, str_dup(findings.items[i], e), e) < 0)
				return -1;
		return findings.len ? 0 : -1;
	}
	if (fill_urls(list, &urls, e) < 0 || say_strays(c, p->digests, table, &urls, e) < 0)
		return -1;
	return has_digests(distro) ? note_missing(c, p, list, table, e) : 0;
}

static int check_counts(struct checkout *c, const struct distro *distro, const char *path, struct err *e)
{
	cleanup_index_counts struct index_counts counts = { 0 };
	int there = path_exists(path, e);

	if (there <= 0)
		return there;
	c->report->files++;
	if (index_counts_load(path, &counts, e) < 0)
		return checkout_blame(c, path, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < counts.count; i++) {
		bool known = false;
		for (size_t k = 0; !known && k < distro->indexes.count; k++)
			known = strcmp(distro->indexes.items[k].name, counts.items[i].index) == 0;
		if (!known && checkout_find(c,
					    str_printf(e, "%s:%u: distros/%s.yaml has no index '%s'", path, counts.items[i].line,
						       distro->name, counts.items[i].index),
					    e) < 0)
			return -1;
	}
	return 0;
}

static int check_distro(struct checkout *c, const struct distro *distro, struct err *e)
{
	__attribute__((cleanup(paths_release))) struct paths p = { 0 };
	cleanup_kernel_list struct kernel_list all = { 0 };

	if (paths_fill(c, distro, &p, e) < 0)
		return -1;
	int there = path_exists(p.list, e);
	if (there < 0)
		return -1;
	if (!there) {
		cleanup_free char *name = str_printf(e, "distros/%s.yaml", distro->name);
		cleanup_free char *path = name ? checkout_path(c, name, e) : NULL;
		return path ? checkout_find(c,
					    str_printf(e, "%s:%u: the list '%s' is missing", path,
						       checkout_line(path, distro->list), p.list),
					    e)
			    : -1;
	}
	size_t before = c->report->findings.len;
	if (check_list(c, p.list, e) < 0 || check_list(c, p.uncrawled, e) < 0 || check_counts(c, distro, p.counts, e) < 0)
		return -1;
	if (c->report->findings.len > before)
		return 0;
	if (kernel_list_load_all(p.list, &all, NULL, e) < 0)
		return checkout_blame(c, p.list, e) < 0 ? -1 : 0;
	return check_kernels(c, distro, &p, &all, e) < 0 ? -1 : check_digests(c, distro, &p, &all, e);
}

static int load_rules(struct checkout *c, struct err *e)
{
	cleanup_free char *path = checkout_path(c, FOLDER "/" BLOCK_LIST, e);
	cleanup_strv struct strv findings = { 0 };
	int there = path ? path_exists(path, e) : -1;

	if (there <= 0)
		return there;
	c->report->files++;
	if (block_list_load(path, &c->block_list, &findings, e) == 0)
		return 0;
	if (!findings.len)
		return checkout_blame(c, path, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < findings.len; i++)
		if (checkout_find(c, str_dup(findings.items[i], e), e) < 0)
			return -1;
	return 0;
}

static int say_doubts(struct checkout *c, struct err *e)
{
	cleanup_strv struct strv expired = { 0 }, unused = { 0 };

	if (block_list_expired(c->block_list, c->today, &expired, e) < 0 || block_list_unused(c->block_list, &unused, e) < 0)
		return -1;
	for (size_t i = 0; i < expired.len; i++)
		if (checkout_find(c, str_dup(expired.items[i], e), e) < 0)
			return -1;
	for (size_t i = 0; i < unused.len; i++)
		if (checkout_note(c, str_dup(unused.items[i], e), e) < 0)
			return -1;
	return 0;
}

/* What lies between the lists and is none of theirs: a misspelt name would never be read. Only where all descriptors are good,
 * since only they know what their list is called. */
static int find_strangers(struct checkout *c, struct err *e)
{
	cleanup_free char *dir = checkout_path(c, FOLDER, e);
	cleanup_strv struct strv names = { 0 };

	if (!dir)
		return -1;
	if (folder_names(dir, "", &names, e) < 0)
		return checkout_blame(c, dir, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < names.len && c->distros.count == c->names.len; i++) {
		cleanup_free char *path = path_join(dir, names.items[i], e);
		if (!path)
			return -1;
		if (strcmp(names.items[i], BLOCK_LIST) == 0 || strv_has(&c->companions, path))
			continue;
		if (checkout_find(c, str_printf(e, "%s:1: no descriptor knows this file", path), e) < 0)
			return -1;
	}
	return 0;
}

int check_lists(struct checkout *c, struct err *e)
{
	if (load_rules(c, e) < 0)
		return -1;
	for (size_t i = 0; i < c->distros.count; i++)
		if (check_distro(c, &c->distros.items[i], e) < 0)
			return -1;
	return say_doubts(c, e) < 0 ? -1 : find_strangers(c, e);
}
