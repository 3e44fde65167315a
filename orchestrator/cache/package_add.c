#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/content.h"
#include "cache/package_upkeep.h"
#include "cache/record.h"
#include "fetch/partial.h"
#include "fetch/url.h"

DEFINE_CLEANUP(hasher, struct hasher, hasher_free)

enum { CHUNK = 256 * 1024 };

/* Copies into the partial file and hashes what goes by: what is stored is what was hashed, whatever happens to the file meanwhile.
 */
static int copy(int from, struct partial *to, const struct cancel *cancel, struct digest *ret, struct err *e)
{
	cleanup_of(hasher) struct hasher *hasher = hasher_new(e);
	cleanup_free char *chunk = malloc(CHUNK);

	if (!hasher)
		return -1;
	if (!chunk)
		return err_no_memory(e);
	for (;;) {
		if (cancel_check(cancel, e) < 0)
			return -1;
		ssize_t n = read(from, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading");
		if (n == 0)
			return hasher_finish(hasher, ret, e);
		if (hasher_update(hasher, chunk, (size_t)n, e) < 0 || fd_write_all(to->fd, chunk, (size_t)n, e) < 0)
			return -1;
		to->size += (uint64_t)n;
	}
}

/* What stands against taking these bytes for that URL. */
static int judge(struct cache *c, const struct cache_request *item, const struct cache_entry *made, struct err *e)
{
	cleanup_cache_entry struct cache_entry before = { .fd = -1 };
	char have[DIGEST_HEX + 1], want[DIGEST_HEX + 1];

	digest_hex(&made->digest, have);
	if (!made->size)
		return err_set(e, ERR_CHECK, "the file is empty");
	if (item->digest_known && !digest_equal(&item->digest, &made->digest)) {
		digest_hex(&item->digest, want);
		return err_set(e, ERR_CHECK, "its sha256 is %s, the list's digests expect %s", have, want);
	}
	if (item->size_known && item->size != made->size)
		return err_set(e, ERR_CHECK, "its size is %llu bytes, the list's digests expect %llu",
			       (unsigned long long)made->size, (unsigned long long)item->size);
	int recorded = item->digest_known ? 0 : cache_read_record(c, item->url, &before, e);
	if (recorded < 0)
		return -1;
	if (recorded && !digest_equal(&before.digest, &made->digest)) {
		digest_hex(&before.digest, want);
		return err_set(e, ERR_CHECK, "its sha256 is %s, but the same URL gave %s before", have, want);
	}
	return 0;
}

static int open_file(const char *path, struct err *e)
{
	struct stat st;
	cleanup_close int fd = file_open(path, e);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_system(e, errno, "'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is no regular file", path);
	return steal_fd(&fd);
}

static int store(struct cache *c, const struct cache_request *item, struct partial *p, const struct cache_entry *made,
		 struct err *e)
{
	cleanup_free char *content = cache_content_path(c, &made->digest, e);
	cleanup_free char *record = content ? cache_record_path(c, item->url, e) : NULL;

	if (!record || content_make_parent(content, e) < 0)
		return -1;
	/* The record first, as for what is fetched (storer.c). */
	if (record_write(record, made, e) < 0 || partial_commit(p, content, 0444, e) < 0)
		return err_wrap(e, "storing '%s'", made->name);
	return 0;
}

int cache_add(struct cache *c, const char *path, const struct cache_request *item, const char *from, const struct cancel *cancel,
	      struct cache_entry *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry made = { .fd = -1, .fetched = time(NULL), .present = true };
	cleanup_partial struct partial p = { .fd = -1 };

	made.url = str_dup(item->url, e);
	made.name = url_file_name(item->url, e);
	made.from = str_dup(from, e);
	cleanup_free char *partial = cache_partial_path(c, item->url, e);
	if (!made.url || !made.name || !made.from || !partial || cache_make_dirs(c, e) < 0)
		return -1;
	cleanup_close int fd = open_file(path, e);
	if (fd < 0 || partial_open(&p, partial, e) < 0 || partial_restart(&p, e) < 0)
		return -1;
	if (copy(fd, &p, cancel, &made.digest, e) < 0) {
		partial_discard(&p);
		return err_wrap(e, "'%s'", path);
	}
	made.size = p.size;
	if (judge(c, item, &made, e) < 0) {
		partial_discard(&p);
		return -1;
	}
	int there = cache_has_content(c, made.name, &made.digest, &made.size, NULL, e);
	cleanup_cache_entry struct cache_entry before = { .fd = -1 };
	int recorded = there > 0 ? cache_read_record(c, item->url, &before, e) : there;
	if (recorded < 0)
		return -1;
	bool same = recorded > 0 && digest_equal(&before.digest, &made.digest);
	if (same)
		partial_discard(&p);
	else if (store(c, item, &p, &made, e) < 0)
		return -1;
	*ret = made;
	made = (struct cache_entry){ .fd = -1 };
	return !same;
}
