/* What documents give, and what becomes of an index when one of them is no good. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "crawl/start.h"
#include "crawl/walker.h"
#include "fetch/url.h"
#include "kernel/lines.h"

enum { PACKAGES_MAX = 1000000 };

/* --- an index that fails --- */

/* A mirror list's next repository, after one that was no good. 1 there is one, 0 there is none, -1. */
static int try_next_repository(struct walk *w, struct walk_index *index, struct err *e)
{
	static const char tail[] = "/repodata/repomd.xml";

	/* One that stands in the list twice has been tried. */
	for (int is_new = 0; !is_new;) {
		if (index->attempt >= index->repositories.len)
			return 0;
		const char *url = index->repositories.items[index->attempt++];
		size_t len = strlen(url), root = index->root_count;
		found_drop(index->found, index->number);
		if (index_add_root(index, url, str_ends(url, tail) ? len - strlen(tail) : len, e) < 0)
			return -1;
		is_new = walk_add(w, visit_new(index, root, DOCUMENT_REPOMD, str_dup(url, e), e), e);
		if (is_new < 0)
			return -1;
	}
	return 1;
}

int walk_fail(struct walk *w, struct walk_index *index, const struct err *why, struct err *e)
{
	int next = index->state == INDEX_GOOD ? try_next_repository(w, index, e) : 0;

	if (next < 0)
		return -1;
	log_printf(w->options->log, next ? LOG_WARNING : LOG_ERROR, "%s: index '%s': %s; %s", index->distro, index->rules->name,
		   why->message, next ? "trying the next repository of its list" : "the list stays as it is");
	return next ? 0 : index_fail(index, INDEX_FAILED, str_dup(why->message, e), e);
}

int walk_fail_visit(struct walk *w, struct visit *v, const struct err *why, struct err *e)
{
	cleanup_of(visit) struct visit *owned = v;
	cleanup_free char *shown = url_shown(v->url, e);
	struct err told = *why;

	if (why->kind == ERR_CANCELLED) {
		*e = *why;
		return -1;
	}
	if (!shown)
		return -1;
	if (visit_is_stale(v))
		return 0;
	if (!strstr(told.message, shown))
		err_wrap(&told, "%s", shown);
	return walk_fail(w, v->index, &told, e);
}

/* --- what a document gave --- */

struct giving {
	struct walk *walk;
	struct visit *visit;
};

static char *resolve(const struct visit *v, const char *reference, bool from_root, struct err *e)
{
	if (!from_root)
		return url_resolve(v->url, reference, e);
	cleanup_free char *base = str_printf(e, "%s/", v->index->roots[v->root].url);
	return base ? url_resolve(base, reference, e) : NULL;
}

static int give_package(struct visit *v, const struct index_item *item, struct err *e)
{
	struct walk_index *index = v->index;
	struct found_package p = {
		.index = index->number,
		.chosen = item->chosen,
		.digest_known = item->digest_known,
		.size_known = item->size_known,
		.sha256 = item->sha256,
		.size = item->size,
	};

	if (index->found->count >= PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d packages", PACKAGES_MAX);
	p.url = resolve(v, item->reference, item->from_root, e);
	if (!p.url)
		return -1;
	const char *problem = url_problem(p.url, strlen(p.url));
	if (problem) {
		free(p.url);
		return err_set(e, ERR_CORRUPT, "it names '%s', which no list can hold: %s", item->reference, problem);
	}
	if (item->package && !(p.package = str_dup(item->package, e))) {
		free(p.url);
		return -1;
	}
	for (size_t i = 0; i < item->depends.len; i++)
		if (strv_add(&p.depends, item->depends.items[i], e) < 0) {
			free(p.url);
			free(p.package);
			strv_release(&p.depends);
			return -1;
		}
	index->roots[v->root].chosen += p.chosen;
	return found_add(index->found, &p, e);
}

static int give_document(struct walk *w, const struct visit *from, const struct index_item *item, struct err *e)
{
	char *url = resolve(from, item->reference, item->from_root, e);

	if (!url)
		return -1;
	if (from->kind == DOCUMENT_MIRROR_LIST)
		return strv_take(&from->index->repositories, url, e);
	struct visit *v = visit_new(from->index, from->root, item->document, url, e);
	if (!v)
		return -1;
	v->level = item->level;
	v->digest_known = item->digest_known;
	v->sha256 = item->sha256;
	v->size_known = item->size_known;
	v->size = item->size;
	if (item->by_hash && !(v->by_hash = resolve(from, item->by_hash, item->from_root, e))) {
		visit_free(v);
		return -1;
	}
	int is_new = walk_add(w, v, e);
	/* Pages of a directory may link to each other as they like. A store that gives one page for another would seem to end here.
	 */
	if (is_new == 0 && item->document == DOCUMENT_BUCKET)
		return err_set(e, ERR_CORRUPT, "goes in a circle: its next page is one that has been read already");
	return is_new < 0 ? -1 : 0;
}

static int give(void *context, const struct index_item *item, struct err *e)
{
	struct giving *g = context;

	return item->is_package ? give_package(g->visit, item, e) : give_document(g->walk, g->visit, item, e);
}

static int check_expiry(struct walk *w, const struct visit *v, int64_t valid_until, struct err *e)
{
	char date[32];
	struct tm tm;
	time_t then = (time_t)valid_until;

	if (valid_until == 0 || valid_until >= w->now)
		return 0;
	gmtime_r(&then, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	if (v->index->rules->expiry == EXPIRY_REFUSE)
		return err_set(
			e, ERR_CORRUPT,
			"out of date: it says that it is valid until %s (`expired: accept` in the descriptor takes it all the same)",
			date);
	cleanup_free char *shown = url_shown(v->url, e);
	log_printf(w->options->log, LOG_WARNING, "%s: index '%s': %s: out of date since %s, taken all the same", v->index->distro,
		   v->index->rules->name, shown ? shown : "", date);
	return 0;
}

/* Whether it names packages; else further documents, whose number says nothing of what is behind them. */
static bool names_packages(const struct visit *v)
{
	switch (v->kind) {
	case DOCUMENT_LISTING:
		return v->level == v->index->rules->descend.len;
	case DOCUMENT_JSON:
		return v->level + 1 == v->index->rules->step_count;
	default:
		return v->kind == DOCUMENT_PACKAGES || v->kind == DOCUMENT_PRIMARY || v->kind == DOCUMENT_BUCKET;
	}
}

static int take_items(struct walk *w, struct visit *v, const struct buf *items, struct err *e)
{
	struct giving g = { w, v };
	struct document_facts facts = { 0 };

	if (index_items_decode(buf_text(items), items->len, give, &g, &facts, e) < 0 ||
	    check_expiry(w, v, facts.valid_until, e) < 0)
		return -1;
	if (names_packages(v))
		v->index->roots[v->root].named += facts.entries;
	if (v->kind != DOCUMENT_MIRROR_LIST)
		return 0;
	int next = try_next_repository(w, v->index, e);
	return next > 0 ? 0 : next < 0 ? -1 : err_set(e, ERR_CORRUPT, "it names no repository");
}

int walk_give(struct walk *w, struct visit *v, const struct buf *items, bool unchanged, struct err *e)
{
	struct err why;

	v->index->documents++;
	v->index->unchanged += unchanged;
	if (take_items(w, v, items, &why) < 0)
		return walk_fail_visit(w, v, &why, e);
	visit_free(v);
	return 0;
}
