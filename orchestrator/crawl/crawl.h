/* crawl: finds what the distributions publish. It walks the indexes of the descriptors, and puts what they name into the lists, their
 * digests and the ledger. It neither parses (index/) nor fetches (fetch/) itself, and it prints nothing.
 *
 * What it holds to: no line of a list is ever lost. A distro's list is changed only when all of its indexes are good: every document
 * was had, is signed where it should be, is what its parent says it is, and the index names about as many packages as the last time.
 * Everything is written by rename, in an order in which a crash at any moment loses nothing. */
#ifndef ORCHESTRATE_CRAWL_CRAWL_H
#define ORCHESTRATE_CRAWL_CRAWL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/log.h"
#include "crawl/report.h"
#include "descriptor/distro.h"
#include "fetch/download.h"
#include "fetch/mirror.h"

struct crawl_options {
	const char *root; /* the checkout: lists and keyrings are below it */
	const struct distro_set *distros;
	const struct strv *chosen;	/* names; empty: all */
	const struct strv *accept_shrink; /* `DISTRO/INDEX` or `DISTRO`: may list as little as it likes this time */
	bool accept_changed;		/* a package that has another digest now is taken for what it is now */
	bool dry_run;			/* nothing is written but what documents gave, in the ledger */
	struct mirror_table *mirrors;
	const char *ledger_path;
	const char *scratch_dir; /* what is fetched lies below it, in a directory of its own, as long as it is needed */
	const char *program;	 /* as filter_start */
	unsigned jobs;		 /* documents parsed at once; 0: as many as there are cores */
	struct fetch_options fetch; /* log and cancel are set by crawl_run */
	struct log *log;
	const struct cancel *cancel;
	/* Optional; bytes that came over the wire so far, and how many there will be at least. In the calling thread. */
	void (*on_progress)(void *context, uint64_t bytes, uint64_t expected);
	void *context;
};

/* *ret holds every distro that was chosen, whatever came of it; released by the caller. -1: nothing was to be found out (unknown
 * names, no ledger, cancelled, ...); then lists are as they were, but for those of distros that were done with before. A failed
 * index is no error of the call. What a person should see goes to the log: one line for each failed index (error), skipped ones and
 * suspicious changes (warning). */
must_check int crawl_run(const struct crawl_options *options, struct crawl_report *ret, struct err *e);

#endif
