#include "crawl/visit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fetch/url.h"
#include "index/parse.h"
#include "index/signature.h"

struct visit *visit_new(struct walk_index *index, size_t root, enum document_kind kind, char *url, struct err *e)
{
	struct visit *v = url ? calloc(1, sizeof(*v)) : NULL;

	if (!v) {
		if (url)
			err_no_memory(e);
		free(url);
		return NULL;
	}
	v->index = index;
	v->attempt = index->attempt;
	v->root = root;
	v->kind = kind;
	v->url = url;
	v->fd = v->signature_fd = -1;
	index->visits++;
	return v;
}

void visit_free(struct visit *v)
{
	if (!v)
		return;
	v->index->visits--;
	free(v->url);
	free(v->by_hash);
	strv_release(&v->candidates);
	free(v->partial);
	free(v->key);
	ledger_document_release(&v->known);
	ledger_document_release(&v->got);
	if (v->fd >= 0)
		close(v->fd);
	if (v->signature_fd >= 0)
		close(v->signature_fd);
	free(v);
}

bool visit_is_stale(const struct visit *v)
{
	return v->index->state != INDEX_GOOD || v->attempt != v->index->attempt;
}

/* Of each mirror the one name after the other, so that the first mirror is asked for both before the second one is. */
static int interleave(const struct strv *first, const struct strv *second, struct strv *ret, struct err *e)
{
	size_t longest = first->len > second->len ? first->len : second->len;

	for (size_t i = 0; i < longest; i++)
		if ((i < first->len && strv_add(ret, first->items[i], e) < 0) ||
		    (i < second->len && strv_add(ret, second->items[i], e) < 0))
			return -1;
	return 0;
}

int visit_address(struct visit *v, struct mirror_table *mirrors, struct err *e)
{
	cleanup_strv struct strv by_hash = { 0 }, by_name = { 0 };
	cleanup_free char *signature = v->stage == VISIT_SIGNATURE ? str_printf(e, "%s.asc", v->url) : NULL;
	const char *url = signature ? signature : v->url;

	if (v->stage == VISIT_SIGNATURE && !signature)
		return -1;
	strv_release(&v->candidates);
	if (mirror_candidates(mirrors, url, &by_name, e) < 0)
		return -1;
	if (v->by_hash && v->stage == VISIT_DOCUMENT && mirror_candidates(mirrors, v->by_hash, &by_hash, e) < 0)
		return -1;
	if (interleave(&by_hash, &by_name, &v->candidates, e) < 0)
		return -1;
	/* A mirror that somebody set may have a password in its URL: the ledger is no place for that. */
	if (!v->key)
		v->key = v->digest_known ? str_dup(v->url, e) : url_origin(v->candidates.items[0], e);
	return v->key ? 0 : -1;
}

bool visit_needs_signature(const struct visit *v)
{
	return v->index->keyring && (v->kind == DOCUMENT_RELEASE || v->kind == DOCUMENT_REPOMD);
}

/* What may be parsed: the document, or what was signed of it. */
static int check_signature(struct visit *v, struct err *e)
{
	const char *name = document_kind_name(v->kind);
	int signed_fd = -1;

	if (!visit_needs_signature(v))
		return 0;
	if (v->kind == DOCUMENT_REPOMD)
		return signature_check_detached(v->fd, v->signature_fd, name, v->index->keyring, v->cancel, e);
	if (signature_check_inline(v->fd, name, v->index->keyring, &signed_fd, v->cancel, e) < 0)
		return -1;
	close(v->fd);
	v->fd = signed_fd;
	return 0;
}

void visit_parse(struct pool_task *task)
{
	struct visit *v = (struct visit *)task;

	int result = check_signature(v, &v->failed);
	if (result == 0)
		result = index_parse(v->program, v->fd, document_kind_name(v->kind), v->index->rules, v->kind, v->level,
				     &v->got.items, v->cancel, &v->failed);
	v->has_failed = result < 0;
	/* Its blocks on disk are of no use any more. */
	close(v->fd);
	v->fd = -1;
}
