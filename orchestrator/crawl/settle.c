#include "crawl/settle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawl/changes.h"
#include "crawl/counts.h"
#include "crawl/lists_lock.h"
#include "crawl/start.h"
#include "fetch/url.h"
#include "kernel/digests.h"

/* --- has an index shrunk --- */

static bool is_accepted(const struct settling *s, const char *index)
{
	const struct strv *accepted = s->options->accept_shrink;
	size_t len = strlen(s->distro->name);

	for (size_t i = 0; i < accepted->len; i++) {
		const char *text = accepted->items[i];
		if (strncmp(text, s->distro->name, len) == 0 &&
		    (!text[len] || (text[len] == '/' && strcmp(text + len + 1, index) == 0)))
			return true;
	}
	return false;
}

/* 0 when nothing is known of an earlier crawl. The count beside the list has come with the list, from whatever machine crawled
 * last, so it is asked before our own ledger is. */
static int count_before(const struct settling *s, const struct index_counts *counts, const char *index, uint64_t *ret,
			struct err *e)
{
	*ret = index_counts_find(counts, index);
	return *ret ? 0 : ledger_live_count(s->ledger, s->distro->name, index, ret, e);
}

/* It is the number that counts: where an archive keeps only the newest kernel, each new one replaces every package. */
static int check_shrink(const struct settling *s, struct walk_index *index, const struct index_counts *counts, struct err *e)
{
	const char *name = index->rules->name;
	uint64_t before, now = found_count(s->found, index->number);

	if (count_before(s, counts, name, &before, e) < 0)
		return -1;
	if (now >= before || (before - now) * 100 <= before * index->rules->shrink_percent || is_accepted(s, name))
		return 0;
	cleanup_free char *shown = url_shown(index->roots[index->root_count - 1].url, e);
	char *reason =
		!shown ? NULL
		       : str_printf(e,
				    "%s: lists %" PRIu64 " of the %" PRIu64
				    " packages that it had, more than %u %% are gone; if that is true, --accept-shrink %s/%s",
				    shown, now, before, index->rules->shrink_percent, s->distro->name, name);
	if (!reason)
		return -1;
	log_printf(s->options->log, LOG_ERROR, "%s: index '%s': %s; the list stays as it is", s->distro->name, name, reason);
	return index_fail(index, INDEX_FAILED, reason, e);
}

static int check_shrinks(const struct settling *s, const struct index_counts *counts, struct err *e)
{
	for (size_t i = 0; i < s->index_count; i++)
		if (s->indexes[i].state == INDEX_GOOD && check_shrink(s, &s->indexes[i], counts, e) < 0)
			return -1;
	return 0;
}

/* --- the report's part on indexes --- */

static int report_indexes(const struct settling *s, struct distro_report *ret, struct err *e)
{
	static const char *const kinds[INDEX_KIND_COUNT] = {
		[INDEX_APT] = "apt", [INDEX_YUM] = "yum", [INDEX_HTML] = "html", [INDEX_BUCKET] = "bucket", [INDEX_JSON] = "json",
	};

	ret->indexes = calloc(s->index_count, sizeof(*ret->indexes));
	if (!ret->indexes)
		return err_no_memory(e);
	for (; ret->index_count < s->index_count; ret->index_count++) {
		const struct walk_index *from = &s->indexes[ret->index_count];
		struct index_report *to = &ret->indexes[ret->index_count];
		*to = (struct index_report){
			.kind = kinds[from->rules->kind],
			.state = from->state,
			.packages = found_count(s->found, from->number),
			.documents = from->documents,
			.unchanged = from->unchanged,
			.bytes = from->bytes,
		};
		to->name = str_dup(from->rules->name, e);
		to->reason = to->name && from->reason ? str_dup(from->reason, e) : NULL;
		if (!to->name || (from->reason && !to->reason))
			return -1;
	}
	return 0;
}

/* A shrink is found out after the report was filled. */
static int report_failures(const struct settling *s, struct distro_report *ret, struct err *e)
{
	ret->good = true;
	for (size_t i = 0; i < s->index_count; i++) {
		struct index_report *index = &ret->indexes[i];
		index->state = s->indexes[i].state;
		if (s->indexes[i].reason && !index->reason && !(index->reason = str_dup(s->indexes[i].reason, e)))
			return -1;
		if (index->state == INDEX_FAILED)
			ret->good = false;
	}
	return 0;
}

/* --- writing --- */

static int save_counts(const struct settling *s, struct index_counts *counts, const char *path, struct err *e)
{
	cleanup_index_counts struct index_counts now = { 0 };

	/* Indexes that the descriptor has no more are forgotten; of a skipped one what was known stays. */
	for (size_t i = 0; i < s->index_count; i++) {
		const struct walk_index *index = &s->indexes[i];
		uint64_t count = index->state == INDEX_GOOD ? found_count(s->found, index->number)
							    : index_counts_find(counts, index->rules->name);
		if (count && index_counts_set(&now, index->rules->name, count, e) < 0)
			return -1;
	}
	return index_counts_save(&now, path, e);
}

static int record(const struct settling *s, struct err *e)
{
	cleanup_strv struct strv indexes = { 0 };
	cleanup_free struct sighting *seen = calloc(s->found->count ? s->found->count : 1, sizeof(*seen));

	if (!seen)
		return err_no_memory(e);
	for (size_t i = 0; i < s->index_count; i++)
		if (s->indexes[i].state == INDEX_GOOD && strv_add(&indexes, s->indexes[i].rules->name, e) < 0)
			return -1;
	for (size_t i = 0; i < s->found->count; i++) {
		const struct found_package *p = &s->found->items[i];
		seen[i] = (struct sighting){
			.url = p->url,
			.index = s->indexes[p->index].rules->name,
			.digest_known = p->digest_known,
			.size_known = p->size_known,
			.sha256 = p->sha256,
			.size = p->size,
		};
	}
	return ledger_record(s->ledger, s->distro->name, &indexes, seen, s->found->count, s->now, e);
}

/* Digests first: a line that is there has its digest, whenever we are stopped. The ledger last: it says that all of it was done. */
static int write_all(const struct settling *s, const char *path, const struct list_finds *finds, struct index_counts *counts,
		     struct distro_report *ret, struct err *e)
{
	cleanup_free char *counts_path = index_counts_path(path, e), *digests_path = digest_table_path(path, e);
	struct list_changes changes;

	if (!counts_path || !digests_path || cancel_check(s->options->cancel, e) < 0 ||
	    changes_merge_digests(s, digests_path, ret, e) < 0)
		return -1;
	if (s->options->dry_run)
		return 0;
	if (list_update(path, finds, false, &changes, e) < 0 || save_counts(s, counts, counts_path, e) < 0)
		return -1;
	return record(s, e);
}

/* --- the whole --- */

static bool has_skipped(const struct settling *s)
{
	for (size_t i = 0; i < s->index_count; i++)
		if (s->indexes[i].state == INDEX_SKIPPED)
			return true;
	return false;
}

static bool has_good(const struct settling *s)
{
	for (size_t i = 0; i < s->index_count; i++)
		if (s->indexes[i].state == INDEX_GOOD)
			return true;
	return false;
}

static int merge(struct settling *s, const char *path, struct index_counts *counts, struct distro_report *ret, struct err *e)
{
	cleanup_list_texts struct list_texts before = { 0 }, after = { 0 };
	cleanup_known struct known old = { 0 }, new = { 0 };
	cleanup_free const char **urls = calloc(s->found->count ? s->found->count : 1, sizeof(*urls));
	struct list_changes changes;

	if (!urls)
		return err_no_memory(e);
	for (size_t i = 0; i < s->found->count; i++)
		urls[i] = s->found->items[i].url;
	const struct list_finds finds = {
		.urls = urls,
		.count = s->found->count,
		/* What lies behind a door that was shut is not gone. */
		.forgets = s->distro->forgets && !has_skipped(s),
	};
	if (known_read(path, &before, e) < 0 || list_merge(&before, path, &finds, &after, &changes, e) < 0 ||
	    known_parse(&before, path, s->distro, s->options->log, &old, e) < 0 ||
	    known_parse(&after, path, s->distro, s->options->log, &new, e) < 0 ||
	    changes_report(s, &old, &new, !has_skipped(s), ret, e) < 0)
		return -1;
	return write_all(s, path, &finds, counts, ret, e);
}

/* What is known stays what it was. */
static int leave(const struct settling *s, const char *path, struct distro_report *ret, struct err *e)
{
	cleanup_list_texts struct list_texts texts = { 0 };
	cleanup_known struct known known = { 0 };

	if (known_read(path, &texts, e) < 0 || known_parse(&texts, path, s->distro, s->options->log, &known, e) < 0)
		return -1;
	ret->known_urls = known.list.count;
	ret->known_kernels = known.kernels.count;
	return 0;
}

static int settle_list(struct settling *s, const char *path, struct distro_report *ret, struct err *e)
{
	cleanup_free char *counts_path = index_counts_path(path, e);
	cleanup_index_counts struct index_counts counts = { 0 };
	cleanup_close int lock = -1;

	if (!counts_path)
		return -1;
	if (!s->index_count) {
		ret->by_hand = ret->good = true;
		return leave(s, path, ret, e);
	}
	if (!s->options->dry_run && (lock = lists_lock(path, e)) < 0)
		return -1;
	if (found_close(s->found, e) < 0 || report_indexes(s, ret, e) < 0 || index_counts_load(counts_path, &counts, e) < 0 ||
	    check_shrinks(s, &counts, e) < 0 || report_failures(s, ret, e) < 0)
		return -1;
	return ret->good && has_good(s) ? merge(s, path, &counts, ret, e) : leave(s, path, ret, e);
}

int settle(struct settling *s, struct distro_report *ret, struct err *e)
{
	cleanup_free char *path = path_join(s->options->root, s->distro->list, e);
	struct err ignored;

	if (!path)
		return -1;
	if (settle_list(s, path, ret, e) == 0)
		return 0;
	/* However far it came, what is known is what the files say. */
	if (leave(s, path, ret, &ignored) < 0)
		ret->known_urls = ret->known_kernels = 0;
	return -1;
}
