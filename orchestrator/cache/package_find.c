#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "cache/cache.h"
#include "cache/record.h"
#include "fetch/url.h"

/* The bytes are there under another URL, or the record was lost: a record for them, after a look at every byte, costs no download.
 */
static int adopt(struct cache *c, const struct cache_request *item, struct cache_entry *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry made = { .fd = -1, .digest = item->digest, .fetched = time(NULL), .present = true };
	cleanup_cache_entry struct cache_entry opened = { .fd = -1 };
	struct stat st;
	struct err why;

	made.url = str_dup(item->url, e);
	made.name = url_file_name(item->url, e);
	made.from = str_dup("", e);
	cleanup_free char *record = cache_record_path(c, item->url, e);
	if (!made.url || !made.name || !made.from || !record)
		return -1;
	int there = cache_has_content(c, made.name, &item->digest, item->size_known ? &item->size : NULL, &made.size, e);
	if (there <= 0)
		return there;
	if (cache_open_package(c, item->url, &item->digest, &opened, &why) < 0) {
		log_printf(c->log, LOG_WARNING, "%s", why.message);
		return 0;
	}
	/* Young from now on, so that a prune which has read the records leaves it; one that was quicker has unlinked it. Where the
	 * file is another user's there is only the record to say so. */
	(void)!fchmod(opened.fd, 0444);
	if (fstat(opened.fd, &st) < 0 || st.st_nlink == 0)
		return 0;
	if (record_write(record, &made, e) < 0)
		return -1;
	log_printf(c->log, LOG_DEBUG, "'%s': its bytes are in the cache already", made.name);
	*ret = made;
	made = (struct cache_entry){ .fd = -1 };
	return 1;
}

int cache_find(struct cache *c, const struct cache_request *item, struct cache_entry *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	int recorded = cache_read_record(c, item->url, &entry, e);
	if (recorded < 0)
		return -1;
	if (!recorded || (item->digest_known && !digest_equal(&item->digest, &entry.digest)))
		return item->digest_known ? adopt(c, item, ret, e) : 0;
	int there = cache_has_content(c, entry.name, &entry.digest, &entry.size, NULL, e);
	if (there <= 0)
		return there;
	entry.present = true;
	*ret = entry;
	entry = (struct cache_entry){ .fd = -1 };
	return 1;
}
