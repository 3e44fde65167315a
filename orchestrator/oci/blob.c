#include "oci/blob.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "stream/sink.h"

DEFINE_CLEANUP(sink, struct sink, sink_free)

void blob_release(struct blob *b)
{
	if (!b)
		return;
	free(b->path);
	*b = (struct blob){ 0 };
}

int blob_begin(const char *dir, struct newfile *ret, struct err *e)
{
	cleanup_free char *path = path_join(dir, "blob", e);
	if (!path)
		return -1;
	return newfile_open(ret, path, 0644, e);
}

int blob_commit(struct newfile *f, const char *dir, const struct digest *digest, char **ret_path, bool *ret_fresh, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(digest, hex);
	cleanup_free char *path = path_join(dir, hex, e);
	cleanup_free char *place = path ? str_dup(path, e) : NULL;
	if (!place) {
		newfile_release(f);
		return -1;
	}
	int there = path_exists(path, e);
	if (there < 0) {
		newfile_release(f);
		return -1;
	}
	free(f->path);
	f->path = steal_ptr(&place);
	if (newfile_commit(f, e) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	if (ret_fresh)
		*ret_fresh = !there;
	return 0;
}

/* Reads one byte beyond max, so that a source that is too long is told apart from one that just fits. */
static int copy_limited(struct sink *to, struct source *from, uint64_t max, struct err *e)
{
	char chunk[65536];
	uint64_t seen = 0;
	ssize_t n;

	while ((n = source_read(from, chunk, sizeof(chunk), e)) > 0) {
		seen += (uint64_t)n;
		if (seen > max)
			return err_set(e, ERR_LIMIT, "larger than %llu bytes", (unsigned long long)max);
		if (sink_write(to, chunk, (size_t)n, e) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

int blob_spool(struct source *s, const char *dir, uint64_t max, struct blob *ret, struct err *e)
{
	struct blob made = { 0 };

	cleanup_newfile struct newfile f = { .fd = -1 };
	if (blob_begin(dir, &f, e) < 0)
		return -1;
	cleanup_of(sink) struct sink *file = sink_to_fd(f.fd, e);
	cleanup_of(sink) struct sink *hash = file ? sink_digest(file, &made.size, &made.digest, e) : NULL;
	if (!hash)
		return -1;
	if (copy_limited(hash, s, max, e) < 0 || sink_finish(hash, e) < 0)
		return -1;
	if (blob_commit(&f, dir, &made.digest, &made.path, &made.fresh, e) < 0)
		return -1;
	*ret = made;
	return 0;
}
