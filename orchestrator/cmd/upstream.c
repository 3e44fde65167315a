#include "cmd/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "descriptor/distro.h"
#include "fetch/url.h"
#include "ledger/ledger.h"

struct upstream {
	struct bucket *bucket;
	char *bucket_url;
	struct cache_archive *archives;
	size_t archive_count;
	/* for learning when a package was last seen; used by whichever thread fetches */
	const struct distro_set *distros;
	struct log *log;
	char *ledger_path;
	struct ledger *ledger;
	bool ledger_asked; /* for the first time: it is opened then */
};

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	bucket_free(u->bucket);
	free(u->bucket_url);
	free(u->archives);
	free(u->ledger_path);
	ledger_close(u->ledger);
	free(u);
}

DEFINE_CLEANUP(upstream, struct upstream, upstream_free)

/* The option, else the variable; NULL where neither says anything. */
static const char *choose(const char *option, const char *variable)
{
	const char *given = option ? option : getenv(variable);

	return given && *given ? given : NULL;
}

int context_bucket(struct context *c, struct bucket **ret, struct err *e)
{
	const char *place = choose(c->bucket, "PACKAGE_BUCKET");

	*ret = NULL;
	if (!place)
		return 0;
	if (bucket_new(place, &c->log, &c->cancel, ret, e) < 0)
		return err_wrap(e, "%s", c->bucket ? "--bucket" : "PACKAGE_BUCKET");
	return 0;
}

static int take_url(struct upstream *u, const struct context *c, struct err *e)
{
	const char *url = choose(c->bucket_url, "PACKAGE_BUCKET_URL");

	if (!url)
		return 0;
	if (!url_is_fetchable(url) || strpbrk(url, "?#"))
		return err_set(e, ERR_USAGE, "%s: expected the http or https URL of a bucket, without query",
			       c->bucket_url ? "--bucket-url" : "PACKAGE_BUCKET_URL");
	size_t len = strlen(url);
	while (len && url[len - 1] == '/')
		len--;
	u->bucket_url = str_printf(e, "%.*s", (int)len, url);
	return u->bucket_url ? 0 : -1;
}

static const struct mirror *mirror_of(const struct distro *d, const char *name)
{
	for (size_t i = 0; i < d->mirror_count; i++)
		if (strcmp(d->mirrors[i].name, name) == 0)
			return &d->mirrors[i];
	return NULL;
}

static int take_archives(struct upstream *u, const struct distro *d, struct err *e)
{
	for (size_t i = 0; i < d->snapshot_count; i++) {
		const struct mirror *mirror = mirror_of(d, d->snapshots[i].name);
		const struct strv *addresses = &d->snapshots[i].urls;
		for (size_t k = 0; mirror && k < addresses->len; k++) {
			struct cache_archive *grown = reallocarray(u->archives, u->archive_count + 1, sizeof(*grown));
			if (!grown)
				return err_no_memory(e);
			u->archives = grown;
			grown[u->archive_count++] =
				(struct cache_archive){ .bases = &mirror->urls, .address = addresses->items[k] };
		}
	}
	return 0;
}

/* A ledger that can't be asked costs a warning: packages are only looked for at the archives' fixed times then. */
static void open_ledger(struct upstream *u)
{
	struct err why;

	u->ledger_asked = true;
	/* Nothing is made by looking. */
	int there = path_exists(u->ledger_path, &why);
	if (there < 0 || (there && ledger_open(u->ledger_path, &u->ledger, &why) < 0))
		log_printf(u->log, LOG_WARNING, "%s; when packages were last seen is not known", why.message);
}

static int64_t last_seen(void *context, const char *url)
{
	struct upstream *u = context;
	int64_t latest = 0;
	struct err why;

	if (!u->ledger_asked)
		open_ledger(u);
	for (size_t i = 0; i < u->distros->count && u->ledger; i++) {
		int64_t seen = 0;
		if (!u->distros->items[i].snapshot_count)
			continue;
		if (ledger_last_seen(u->ledger, u->distros->items[i].name, url, &seen, &why) < 0) {
			log_printf(u->log, LOG_WARNING, "%s; when packages were last seen is not known", why.message);
			ledger_close(steal_ptr(&u->ledger));
		}
		latest = seen > latest ? seen : latest;
	}
	return latest;
}

int context_upstream(struct context *c, const struct distro_set *distros, struct cache *cache, struct err *e)
{
	cleanup_of(upstream) struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return err_no_memory(e);
	u->distros = distros;
	u->log = &c->log;
	u->ledger_path = path_join(c->cache_path, "ledger.sqlite", e);
	if (!u->ledger_path || context_bucket(c, &u->bucket, e) < 0 || take_url(u, c, e) < 0)
		return -1;
	for (size_t i = 0; i < distros->count; i++)
		if (take_archives(u, &distros->items[i], e) < 0)
			return -1;
	cache_set_upstream(cache, &(struct cache_upstream){ .bucket = u->bucket,
							    .bucket_url = u->bucket_url,
							    .archives = u->archives,
							    .archive_count = u->archive_count,
							    .last_seen = last_seen,
							    .context = u });
	upstream_free(c->upstream);
	c->upstream = steal_ptr(&u);
	return 0;
}
