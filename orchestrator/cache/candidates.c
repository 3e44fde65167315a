#include <string.h>
#include <time.h>

#include "cache/cache.h"
#include "cache/content.h"
#include "fetch/url.h"
#include "kernel/template.h"

const char cache_archive_hole[] = "last-seen";

static const char *lookup(const void *context, const char *name, size_t *ret_len)
{
	if (strcmp(name, cache_archive_hole) != 0)
		return NULL;
	*ret_len = strlen(context);
	return context;
}

/* What of url stands behind one of the archive's bases; NULL: nothing. */
static const char *below(const struct cache_archive *a, const char *url)
{
	for (size_t i = 0; i < a->bases->len; i++) {
		size_t len = strlen(a->bases->items[i]);
		if (strncmp(url, a->bases->items[i], len) == 0 && url[len] == '/')
			return url + len;
	}
	return NULL;
}

static int add(struct strv *to, char *url, struct err *e)
{
	cleanup_free char *owned = url;

	if (!owned)
		return -1;
	return strv_has(to, owned) ? 0 : strv_add(to, owned, e);
}

static int add_archives(const struct cache *c, const char *url, int64_t last_seen, struct strv *ret, struct err *e)
{
	char seen[32] = "";
	time_t when = (time_t)last_seen;
	struct tm tm;

	if (last_seen > 0 && (!gmtime_r(&when, &tm) || !strftime(seen, sizeof(seen), "%Y%m%dT%H%M%SZ", &tm)))
		return err_set(e, ERR_SYSTEM, "the clock is out of range");
	for (size_t i = 0; i < c->upstream.archive_count; i++) {
		const struct cache_archive *a = &c->upstream.archives[i];
		const char *rest = below(a, url);
		/* An archive that can't be asked without a time is no place for what was never seen. */
		if (!rest || (!*seen && strstr(a->address, "${")))
			continue;
		cleanup_free char *base = template_expand(a->address, lookup, seen, e);
		if (!base || add(ret, str_printf(e, "%s%s", base, rest), e) < 0)
			return -1;
	}
	return 0;
}

int cache_candidates(struct cache *c, struct mirror_table *mirrors, const char *url, const struct digest *digest, int64_t last_seen,
		     struct strv *ret, struct err *e)
{
	cleanup_strv struct strv by_mirror = { 0 };

	if (!url_is_fetchable(url))
		return err_set(e, ERR_INPUT, "'%s' is no http, https or file URL", url);
	if (c->upstream.bucket_url && digest) {
		cleanup_free char *contents = str_printf(e, "%s/sha256", c->upstream.bucket_url);
		if (!contents || add(ret, content_path(contents, digest, "", e), e) < 0)
			return -1;
	}
	if ((mirrors ? mirror_candidates(mirrors, url, &by_mirror, e) : strv_add(&by_mirror, url, e)) < 0)
		return -1;
	for (size_t i = 0; i < by_mirror.len; i++)
		if (add(ret, str_dup(by_mirror.items[i], e), e) < 0)
			return -1;
	return add_archives(c, url, last_seen, ret, e);
}
