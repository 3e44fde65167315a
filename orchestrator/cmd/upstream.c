#include "cmd/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "descriptor/distro.h"
#include "fetch/url.h"

struct upstream {
	struct bucket *bucket;
	char *bucket_url;
	struct cache_archive *archives;
	size_t archive_count;
};

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	bucket_free(u->bucket);
	free(u->bucket_url);
	free(u->archives);
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

int context_upstream(struct context *c, const struct distro_set *distros, struct cache *cache, struct err *e)
{
	cleanup_of(upstream) struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return err_no_memory(e);
	if (context_bucket(c, &u->bucket, e) < 0 || take_url(u, c, e) < 0)
		return -1;
	for (size_t i = 0; i < distros->count; i++)
		if (take_archives(u, &distros->items[i], e) < 0)
			return -1;
	cache_set_upstream(cache, &(struct cache_upstream){ .bucket = u->bucket,
							    .bucket_url = u->bucket_url,
							    .archives = u->archives,
							    .archive_count = u->archive_count });
	upstream_free(c->upstream);
	c->upstream = steal_ptr(&u);
	return 0;
}
