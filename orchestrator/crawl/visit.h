/* One document on its way: asked for, fetched, its signature checked, parsed. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_VISIT_H
#define ORCHESTRATE_CRAWL_VISIT_H

#include "base/cancel.h"
#include "crawl/pool.h"
#include "crawl/walk.h"
#include "fetch/download.h"

enum visit_stage {
	VISIT_DOCUMENT,
	VISIT_SIGNATURE, /* the document is there, its detached signature is asked for */
};

struct visit {
	struct pool_task task; /* also the link of whatever queue it is in */
	struct walk_index *index;
	size_t attempt, root;
	enum document_kind kind;
	unsigned level;
	char *url, *by_hash; /* public; by_hash: NULL, or where the same bytes can be had too */
	bool digest_known, size_known;
	struct digest sha256;
	uint64_t size;

	/* for the pool's thread */
	const char *program;
	const struct cancel *cancel;

	/* on its way */
	enum visit_stage stage;
	struct strv candidates;
	char *partial;
	char *key; /* under which the ledger knows it */
	bool has_known;
	struct ledger_document known;
	int fd, signature_fd;
	struct ledger_document got;
	bool has_failed;
	struct err failed;
};

/* NULL with *e when out of memory. url is taken over, also then. Counted in index->visits until visit_free. */
struct visit *visit_new(struct walk_index *index, size_t root, enum document_kind kind, char *url, struct err *e);
void visit_free(struct visit *v);

/* An index that has failed, or gone on to another repository, has no use for it. */
bool visit_is_stale(const struct visit *v);
/* Fills candidates and key. What has no digest may differ between mirrors, so it is known by the one that is asked first. */
must_check int visit_address(struct visit *v, struct mirror_table *mirrors, struct err *e);
/* Whether somebody must have signed it. */
bool visit_needs_signature(const struct visit *v);
/* In a thread of the pool: signature and parsing. Fills got.items, or failed. */
void visit_parse(struct pool_task *task);

DEFINE_CLEANUP(visit, struct visit, visit_free)

#endif
