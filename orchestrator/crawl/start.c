#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawl/access.h"
#include "crawl/start.h"
#include "fetch/url.h"

enum { KEYRING_MAX_BYTES = 16 << 20 };

int index_fail(struct walk_index *index, enum index_state state, char *reason, struct err *e)
{
	if (!reason)
		return err_no_memory(e);
	free(index->reason);
	index->reason = reason;
	index->state = state;
	found_drop(index->found, index->number);
	return 0;
}

int index_add_root(struct walk_index *index, const char *url, size_t len, struct err *e)
{
	struct walk_root *roots = reallocarray(index->roots, index->root_count + 1, sizeof(*roots));

	if (!roots)
		return err_no_memory(e);
	index->roots = roots;
	roots[index->root_count] = (struct walk_root){ .url = strndup(url, len) };
	if (!roots[index->root_count].url)
		return err_no_memory(e);
	index->root_count++;
	return 0;
}

/* --- the first URLs --- */

/* RFC 3986, section 2.3: all but the unreserved ones. */
static int append_escaped(struct buf *b, const char *text, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if ((strchr(plain, *text) ? buf_append(b, text, 1, e) : buf_printf(b, e, "%%%02X", (unsigned char)*text)) < 0)
			return -1;
	return 0;
}

static char *bucket_url(const char *root, const char *prefix, struct err *e)
{
	cleanup_buf struct buf url = { 0 };
	size_t path_len;

	url_path(root, &path_len);
	if (buf_printf(&url, e, "%s%s", root, path_len ? "" : "/") < 0)
		return NULL;
	if (prefix && (buf_puts(&url, "?prefix=", e) < 0 || append_escaped(&url, prefix, e) < 0))
		return NULL;
	char *text = buf_steal(&url);
	if (!text)
		err_no_memory(e);
	return text;
}

static char *first_url(const struct index_rules *r, const char *root, struct err *e)
{
	switch (r->kind) {
	case INDEX_YUM:
		return str_printf(e, "%s/repodata/repomd.xml", root);
	case INDEX_HTML:
		return str_printf(e, "%s/", root);
	case INDEX_BUCKET:
		return bucket_url(root, r->prefix, e);
	default:
		return str_dup(root, e);
	}
}

static const enum document_kind first_kinds[INDEX_KIND_COUNT] = {
	[INDEX_APT] = DOCUMENT_RELEASE,	  [INDEX_YUM] = DOCUMENT_REPOMD, [INDEX_HTML] = DOCUMENT_LISTING,
	[INDEX_BUCKET] = DOCUMENT_BUCKET, [INDEX_JSON] = DOCUMENT_JSON,
};

static int start_suites(struct walk_index *index, size_t root, index_start_fn *start, void *context, struct err *e)
{
	const struct index_rules *r = index->rules;

	for (size_t i = 0; i < r->suites.len; i++) {
		char *url = str_printf(e, "%s/dists/%s/InRelease", index->roots[root].url, r->suites.items[i]);
		if (start(context, visit_new(index, root, DOCUMENT_RELEASE, url, e), e) < 0)
			return -1;
	}
	return 0;
}

int index_start(struct walk_index *index, index_start_fn *start, void *context, struct err *e)
{
	const struct index_rules *r = index->rules;

	if (r->mirror_list) {
		if (index_add_root(index, r->mirror_list, strlen(r->mirror_list), e) < 0)
			return -1;
		return start(context, visit_new(index, 0, DOCUMENT_MIRROR_LIST, str_dup(r->mirror_list, e), e), e) < 0 ? -1 : 0;
	}
	for (size_t i = 0; i < r->urls.len; i++) {
		size_t root = index->root_count;
		if (index_add_root(index, r->urls.items[i], strlen(r->urls.items[i]), e) < 0)
			return -1;
		int rc = r->kind == INDEX_APT
				 ? start_suites(index, root, start, context, e)
				 : start(context,
					 visit_new(index, root, first_kinds[r->kind], first_url(r, r->urls.items[i], e), e), e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* --- what must be there before --- */

/* Other keys must look at a document anew, so what is in the keyring belongs to the rules. */
static int digest_rules(struct walk_index *index, struct err *e)
{
	cleanup_buf struct buf keys = { 0 };
	struct digest rules;
	struct hasher *h = NULL;

	if (index->keyring && file_read(index->keyring, KEYRING_MAX_BYTES, &keys, e) < 0)
		return err_append(e, "it holds the keys that the index must be signed with");
	if (index_rules_digest(index->rules, &rules, e) < 0 || !(h = hasher_new(e)))
		return -1;
	int rc = hasher_field(h, &rules, sizeof(rules), e);
	if (rc == 0)
		rc = hasher_field(h, keys.data ? keys.data : "", keys.len, e);
	if (rc == 0)
		rc = hasher_finish(h, &index->rules_digest, e);
	hasher_free(h);
	return rc;
}

static int check_access(struct walk_index *index, struct err *e)
{
	cleanup_fetch_access struct fetch_access access = { 0 };
	const char *missing = NULL;

	int there = access_from_environment(&index->rules->access, &access, &missing, e);
	if (there != 0)
		return there < 0 ? -1 : 0;
	return index_fail(index, INDEX_SKIPPED, str_printf(e, "it is private; set %s to crawl it", missing), e);
}

int index_prepare(struct walk_index *index, const char *root, struct err *e)
{
	if (index->rules->keyring) {
		index->keyring = path_join(root, index->rules->keyring, e);
		if (!index->keyring)
			return -1;
	}
	return digest_rules(index, e) < 0 || check_access(index, e) < 0 ? -1 : 0;
}
