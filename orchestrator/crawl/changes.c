#include "crawl/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/digests.h"
#include "kernel/version.h"

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found_package *)a)->url, ((const struct found_package *)b)->url);
}

/* Whether any index lists it now. What was found is ordered by URL. */
static bool is_published(const struct settling *s, const char *url)
{
	const struct found_package key = { .url = (char *)url };

	return s->found->count && bsearch(&key, s->found->items, s->found->count, sizeof(key), compare_found);
}

static int compare_natural(const void *a, const void *b)
{
	return version_compare_natural(*(char *const *)a, *(char *const *)b);
}

static void sort_by_version(struct strv *v)
{
	if (v->len)
		qsort(v->items, v->len, sizeof(*v->items), compare_natural);
}

/* --- new, moved --- */

static int report_urls(const struct known *old, const struct known *new, struct distro_report *ret, struct err *e)
{
	for (size_t i = 0; i < new->list.count; i++) {
		const struct kernel_url *url = &new->list.urls[i], *before = known_find(old, url->url);
		struct strv *into = !before			       ? &ret->new_urls :
				    before->uncrawled == url->uncrawled ? NULL :
				    url->uncrawled		       ? &ret->moved_away :
									 &ret->moved_back;
		if (into && strv_add(into, url->url, e) < 0)
			return -1;
	}
	sort_by_version(&ret->new_urls);
	sort_by_version(&ret->moved_away);
	sort_by_version(&ret->moved_back);
	return 0;
}

static int report_new_kernels(const struct known *old, const struct known *new, struct distro_report *ret, struct err *e)
{
	for (size_t i = 0; i < new->kernels.count; i++)
		if (!known_has_kernel(old, new->kernels.kernels[i].id) && strv_add(&ret->new_kernels, new->kernels.kernels[i].id, e) < 0)
			return -1;
	return 0;
}

/* --- vanished, unpublished --- */

struct vanishing {
	const struct settling *settling;
	struct distro_report *report;
};

static bool is_walked(const struct settling *s, const char *index)
{
	for (size_t i = 0; i < s->index_count; i++)
		if (strcmp(s->indexes[i].rules->name, index) == 0)
			return s->indexes[i].state == INDEX_GOOD;
	return false;
}

static int look_at_sighting(void *context, const struct sighting *sighting, struct err *e)
{
	struct vanishing *v = context;
	struct strv *urls = &v->report->vanished_urls;

	v->report->vanished_known = true;
	if (sighting->gone_since || !is_walked(v->settling, sighting->index) || is_published(v->settling, sighting->url))
		return 0;
	/* Several indexes may have listed it: they come one after the other. */
	if (urls->len && strcmp(urls->items[urls->len - 1], sighting->url) == 0)
		return 0;
	return strv_add(urls, sighting->url, e);
}

static bool has_any(const struct kernel *kernel, const struct strv *sorted)
{
	for (size_t i = 0; sorted->len && i < kernel->package_count; i++) {
		char *key = kernel->packages[i].url;
		if (bsearch(&key, sorted->items, sorted->len, sizeof(*sorted->items), compare_natural))
			return true;
	}
	return false;
}

static int report_vanished(const struct settling *s, const struct known *new, struct distro_report *ret, struct err *e)
{
	struct vanishing v = { s, ret };

	if (ledger_sightings(s->ledger, s->distro->name, look_at_sighting, &v, e) < 0)
		return -1;
	sort_by_version(&ret->vanished_urls);
	for (size_t i = 0; i < new->kernels.count; i++)
		if (has_any(&new->kernels.kernels[i], &ret->vanished_urls) &&
		    strv_add(&ret->vanished_kernels, new->kernels.kernels[i].id, e) < 0)
			return -1;
	return 0;
}

static bool is_all_published(const struct settling *s, const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->package_count; i++)
		if (!is_published(s, kernel->packages[i].url))
			return false;
	return true;
}

static void count_unpublished(const struct settling *s, const struct known *new, struct distro_report *ret)
{
	for (size_t i = 0; i < new->list.count; i++)
		ret->unpublished_urls += !is_published(s, new->list.urls[i].url);
	for (size_t i = 0; i < new->kernels.count; i++)
		ret->unpublished_kernels += !is_all_published(s, &new->kernels.kernels[i]);
}

int changes_report(const struct settling *s, const struct known *old, const struct known *new, bool all_walked,
		   struct distro_report *ret, struct err *e)
{
	ret->known_urls = new->list.count;
	ret->known_kernels = new->kernels.count;
	if (report_urls(old, new, ret, e) < 0 || report_new_kernels(old, new, ret, e) < 0 || report_vanished(s, new, ret, e) < 0)
		return -1;
	if (all_walked)
		count_unpublished(s, new, ret);
	return 0;
}

/* --- digests --- */

static int report_changed(const struct settling *s, const struct found_package *p, const struct digest *recorded,
			  struct distro_report *ret, struct err *e)
{
	char is[DIGEST_HEX + 1], was[DIGEST_HEX + 1];

	digest_hex(&p->sha256, is);
	digest_hex(recorded, was);
	log_printf(s->options->log, LOG_WARNING, "%s: index '%s': %s: was recorded with sha256 %s, the index says %s; %s",
		   s->distro->name, s->indexes[p->index].rules->name, p->url, was, is,
		   s->options->accept_changed ? "taken" : "the old one stays (--accept-changed takes the new one)");
	return ret->changed.len && strcmp(ret->changed.items[ret->changed.len - 1], p->url) == 0 ? 0 :
												    strv_add(&ret->changed, p->url, e);
}

static int merge_digest(const struct settling *s, const struct found_package *p, struct digest_table *table,
			struct distro_report *ret, struct err *e)
{
	const struct package_digest digest = { .url = p->url, .sha256 = p->sha256, .size_bytes = p->size };
	const struct package_digest *there = digest_table_find(table, p->url);
	const struct digest recorded = there ? there->sha256 : (struct digest){ 0 };
	enum digest_merged merged;

	if (digest_table_merge(table, &digest, s->options->accept_changed, &merged, e) < 0)
		return -1;
	return merged == DIGEST_CHANGED ? report_changed(s, p, &recorded, ret, e) : 0;
}

int changes_merge_digests(const struct settling *s, const char *path, struct distro_report *ret, struct err *e)
{
	cleanup_of(digest_table) struct digest_table *table = NULL;

	if (digest_table_load(path, &table, e) < 0)
		return -1;
	for (size_t i = 0; i < s->found->count; i++) {
		const struct found_package *p = &s->found->items[i];
		if (p->digest_known && p->size_known && merge_digest(s, p, table, ret, e) < 0)
			return -1;
	}
	return s->options->dry_run ? 0 : digest_table_store(table, path, e);
}
