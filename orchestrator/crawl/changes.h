/* What a crawl changes in a distro's list and digests. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_CHANGES_H
#define ORCHESTRATE_CRAWL_CHANGES_H

#include "crawl/settle.h"

/* Fills the report: known, new, vanished, unpublished (only where all_walked: no index was skipped), moved. */
must_check int changes_report(const struct settling *s, const struct known *old, const struct known *new, bool all_walked,
			      struct distro_report *ret, struct err *e);
/* Adds the digests that the indexes state to those at path, and stores them unless it is a dry run. What is there stays; where an
 * index says something else, that goes into the report and to the log (warning), and only with accept_changed into the file. */
must_check int changes_merge_digests(const struct settling *s, const char *path, struct distro_report *ret, struct err *e);

#endif
