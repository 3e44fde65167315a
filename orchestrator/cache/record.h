/* What a URL gave, one small JSON file per URL: {"fetched": RFC 3339 UTC, "from", "name", "sha256", "size", "url"}, keys sorted,
 * one a line. Internal to cache. */
#ifndef ORCHESTRATE_CACHE_RECORD_H
#define ORCHESTRATE_CACHE_RECORD_H

#include "cache/package_cache.h"

/* 1 read, 0 there is none, -1. url: what it must be about; NULL: anything. Not a record, or one of another URL: ERR_CORRUPT.
 * present stays false. */
must_check int record_read(const char *path, const char *url, struct cache_entry *ret, struct err *e);
/* Appears whole, by rename; its directory is created. */
must_check int record_write(const char *path, const struct cache_entry *entry, struct err *e);

#endif
