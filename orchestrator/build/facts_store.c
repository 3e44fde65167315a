#include "build/facts_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { RECORD_MAX = 16384 };

/* Raise it when facts are read off differently. */
static const char scheme[] = "orchestrate facts 4";

static int hash_job(struct hasher *h, const struct job *job, struct digest *ret, struct err *e)
{
	if (hasher_text(h, scheme, e) < 0 || hasher_text(h, job_listed(job)->release, e) < 0)
		return -1;
	for (size_t i = 0; i < job->kernel->package_count; i++) {
		const struct kernel_package *package = &job->kernel->packages[i];
		if (!package->has_config && !package->has_tools)
			continue;
		if (hasher_field(h, job->package_digests[i].bytes, DIGEST_BYTES, e) < 0)
			return -1;
	}
	return distro_hash_build_part(job->distro->distro, h, e) < 0 ? -1 : hasher_finish(h, ret, e);
}

static char *record_path(const char *cache_dir, const struct job *job, struct err *e)
{
	struct hasher *h = hasher_new(e);
	struct digest digest;
	char hex[DIGEST_HEX + 1];

	if (!h)
		return NULL;
	int result = hash_job(h, job, &digest, e);
	hasher_free(h);
	if (result < 0)
		return NULL;
	digest_hex(&digest, hex);
	return str_printf(e, "%s/facts/%.2s/%s.json", cache_dir, hex, hex);
}

int facts_store_get(const char *cache_dir, const struct job *job, struct facts *ret, struct err *e)
{
	cleanup_free char *path = record_path(cache_dir, job, e);
	cleanup_buf struct buf text = { 0 };

	if (!path)
		return -1;
	if (file_read(path, RECORD_MAX, &text, e) < 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_LIMIT ? 0 : -1;
	return facts_decode(buf_text(&text), ret, e) == 0;
}

int facts_store_put(const char *cache_dir, const struct job *job, const struct facts *facts, struct err *e)
{
	cleanup_free char *path = record_path(cache_dir, job, e);
	cleanup_free char *text = facts_encode(facts, e);

	if (!path || !text)
		return -1;
	char *slash = strrchr(path, '/');
	*slash = '\0';
	if (path_make_dirs(path, e) < 0)
		return -1;
	*slash = '/';
	return file_replace(path, text, strlen(text), 0644, e);
}
