/* What a crawl found out, and how it is told. */
#ifndef ORCHESTRATE_CRAWL_REPORT_H
#define ORCHESTRATE_CRAWL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum index_state {
	INDEX_GOOD,
	INDEX_FAILED,
	INDEX_SKIPPED, /* private, and the environment has no key to it */
};

const char *index_state_name(enum index_state state);

struct index_report {
	char *name;
	const char *kind; /* "apt", ... */
	enum index_state state;
	char *reason;	  /* NULL for a good one */
	size_t packages;  /* that it lists and the rules take */
	size_t documents; /* that it is made of */
	size_t unchanged; /* of those, not fetched or not parsed again */
	uint64_t bytes;	  /* received for it */
};

struct distro_report {
	char *name;
	bool by_hand;  /* has no indexes: nothing else is said of it */
	bool good;     /* all indexes are good or skipped, and list and digests are up to date (or would be, in a dry run) */
	char *problem; /* NULL, or why it is not good beyond what its indexes say: a full disk, ... */
	struct index_report *indexes;
	size_t index_count;
	/* In the list and its uncrawled part, as they are after this crawl (in a dry run: as they would be). */
	size_t known_urls, known_kernels;
	struct strv new_urls, new_kernels; /* by version */
	struct strv vanished_urls;	   /* listed at the last good crawl by the ledger, and by none now */
	struct strv vanished_kernels;	   /* that lost a package by that */
	bool vanished_known;		   /* false: the ledger has no crawl before this one */
	/* Of all that is known: what no index lists now, so that only a cache has it. Not told (0) when an index was skipped. */
	size_t unpublished_urls, unpublished_kernels;
	struct strv moved_away, moved_back; /* list to uncrawled part, and back: URLs */
	struct strv changed;		    /* URLs whose digest is not what was recorded */
};

struct crawl_report {
	struct distro_report *distros; /* by name */
	size_t count;
	bool dry_run;
};

void crawl_report_release(struct crawl_report *r);
/* Failed indexes, and distros with a problem of their own. */
size_t crawl_report_failures(const struct crawl_report *r);

/* One line for each distro, for people. */
must_check int crawl_report_text(const struct crawl_report *r, struct buf *ret, struct err *e);
/* One JSON object and a newline: {"version": 1, "dry_run": ..., "distros": [...]}. */
must_check int crawl_report_json(const struct crawl_report *r, struct buf *ret, struct err *e);
/* Markdown for a pull request: a table of the distros, what failed, and the new and vanished kernels by name. */
must_check int crawl_report_markdown(const struct crawl_report *r, struct buf *ret, struct err *e);

#define cleanup_crawl_report __attribute__((cleanup(crawl_report_release)))

#endif
