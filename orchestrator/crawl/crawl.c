#include "crawl/crawl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "crawl/counts.h"
#include "crawl/settle.h"
#include "kernel/digests.h"

enum { DOCUMENTS_KEPT_DAYS = 90 };

/* One distro on its way. */
struct site {
	const struct distro *distro;
	struct walk_index *indexes; /* a part of all */
	struct found found;
};

struct crawl {
	const struct crawl_options *options;
	struct ledger *ledger;
	struct site *sites;
	size_t site_count;
	struct walk_index *indexes; /* of all sites, one after the other */
	size_t index_count;
};

static void crawl_release(struct crawl *c)
{
	for (size_t i = 0; i < c->index_count; i++)
		walk_index_release(&c->indexes[i]);
	free(c->indexes);
	for (size_t i = 0; i < c->site_count; i++)
		found_release(&c->sites[i].found);
	free(c->sites);
	ledger_close(c->ledger);
}

#define cleanup_crawl __attribute__((cleanup(crawl_release)))

/* --- what was asked for --- */

static bool has_index(const struct distro *d, const char *name)
{
	for (size_t i = 0; i < d->indexes.count; i++)
		if (strcmp(d->indexes.items[i].name, name) == 0)
			return true;
	return false;
}

static int check_accepted(const struct crawl_options *o, const char *text, struct err *e)
{
	const char *slash = strchr(text, '/');
	cleanup_free char *name = strndup(text, slash ? (size_t)(slash - text) : strlen(text));

	if (!name)
		return err_no_memory(e);
	const struct distro *d = distro_find(o->distros, name, e);
	if (!d)
		return err_wrap(e, "--accept-shrink");
	if (slash && !has_index(d, slash + 1))
		return err_set(e, ERR_USAGE, "--accept-shrink: '%s' has no index '%s'", name, slash + 1);
	return 0;
}

/* A crawl with a misspelt name must not start. */
static int check_names(const struct crawl_options *o, struct err *e)
{
	for (size_t i = 0; i < o->chosen->len; i++)
		if (!distro_find(o->distros, o->chosen->items[i], e))
			return -1;
	for (size_t i = 0; i < o->accept_shrink->len; i++)
		if (check_accepted(o, o->accept_shrink->items[i], e) < 0)
			return -1;
	return 0;
}

static bool is_chosen(const struct crawl_options *o, const struct distro *d)
{
	return !o->chosen->len || strv_has(o->chosen, d->name);
}

/* A list or a companion of it that can't be read would be found out only after the walk. */
static int check_list(const struct crawl_options *o, const struct distro *d, struct err *e)
{
	cleanup_free char *path = path_join(o->root, d->list, e);
	cleanup_free char *counts_path = path ? index_counts_path(path, e) : NULL;
	cleanup_free char *digests_path = counts_path ? digest_table_path(path, e) : NULL;
	cleanup_index_counts struct index_counts counts = { 0 };
	cleanup_of(digest_table) struct digest_table *digests = NULL;
	cleanup_list_texts struct list_texts texts = { 0 };
	cleanup_known struct known known = { 0 };

	if (!digests_path || known_read(path, &texts, e) < 0 || known_parse(&texts, path, d, o->log, &known, e) < 0)
		return -1;
	return index_counts_load(counts_path, &counts, e) < 0 || digest_table_load(digests_path, &digests, e) < 0 ? -1 : 0;
}

/* --- sites --- */

static void add_site(struct crawl *c, const struct distro *d)
{
	struct site *site = &c->sites[c->site_count++];

	*site = (struct site){ .distro = d, .indexes = &c->indexes[c->index_count] };
	for (size_t i = 0; i < d->indexes.count; i++)
		c->indexes[c->index_count++] = (struct walk_index){
			.distro = d->name,
			.rules = &d->indexes.items[i],
			.number = i,
			.found = &site->found,
		};
}

static int add_sites(struct crawl *c, struct err *e)
{
	const struct crawl_options *o = c->options;
	size_t sites = 0, indexes = 0;

	for (size_t i = 0; i < o->distros->count; i++)
		if (is_chosen(o, &o->distros->items[i])) {
			if (check_list(o, &o->distros->items[i], e) < 0)
				return -1;
			sites++;
			indexes += o->distros->items[i].indexes.count;
		}
	c->sites = calloc(sites + 1, sizeof(*c->sites));
	c->indexes = calloc(indexes + 1, sizeof(*c->indexes));
	if (!c->sites || !c->indexes)
		return err_no_memory(e);
	for (size_t i = 0; i < o->distros->count; i++)
		if (is_chosen(o, &o->distros->items[i]))
			add_site(c, &o->distros->items[i]);
	return 0;
}

/* --- the whole --- */

static int settle_site(struct crawl *c, struct site *site, struct distro_report *ret, struct err *e)
{
	struct settling s = {
		.options = c->options,
		.distro = site->distro,
		.ledger = c->ledger,
		.indexes = site->indexes,
		.index_count = site->distro->indexes.count,
		.found = &site->found,
		.now = time(NULL),
	};
	struct err why;

	ret->name = str_dup(site->distro->name, e);
	if (!ret->name)
		return -1;
	if (settle(&s, ret, &why) == 0)
		return 0;
	if (why.kind == ERR_CANCELLED) {
		*e = why;
		return -1;
	}
	/* The other distros have nothing to do with it. */
	log_printf(c->options->log, LOG_ERROR, "%s: %s", site->distro->name, why.message);
	ret->good = false;
	ret->problem = str_dup(why.message, e);
	return ret->problem ? 0 : -1;
}

static int settle_all(struct crawl *c, struct crawl_report *ret, struct err *e)
{
	ret->dry_run = c->options->dry_run;
	ret->distros = calloc(c->site_count + 1, sizeof(*ret->distros));
	if (!ret->distros)
		return err_no_memory(e);
	for (; ret->count < c->site_count; ret->count++)
		if (settle_site(c, &c->sites[ret->count], &ret->distros[ret->count], e) < 0) {
			ret->count++;
			return -1;
		}
	return 0;
}

/* What was found out is worth telling all the same. */
static void expire_documents(struct crawl *c)
{
	struct err why;

	if (!c->options->dry_run &&
	    ledger_documents_expire(c->ledger, time(NULL) - (int64_t)DOCUMENTS_KEPT_DAYS * 24 * 3600, &why) < 0)
		log_printf(c->options->log, LOG_WARNING, "forgetting old documents: %s", why.message);
}

int crawl_run(const struct crawl_options *options, struct crawl_report *ret, struct err *e)
{
	cleanup_crawl struct crawl c = { .options = options };
	cleanup_crawl_report struct crawl_report report = { 0 };

	if (check_names(options, e) < 0 || add_sites(&c, e) < 0 || ledger_open(options->ledger_path, &c.ledger, e) < 0 ||
	    walk_run(options, c.ledger, c.indexes, c.index_count, e) < 0 || settle_all(&c, &report, e) < 0)
		return -1;
	expire_documents(&c);
	*ret = report;
	report = (struct crawl_report){ 0 };
	return 0;
}
