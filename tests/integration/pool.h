/* Directories of packages as other distributions make them, which a script makes from what this machine's mirror has. Making one
 * takes up to some minutes, so it is kept below build/integration-cache for as long as what it is made of stays the same. */
#ifndef TESTS_INTEGRATION_POOL_H
#define TESTS_INTEGRATION_POOL_H

/* The directory that tests/integration/<maker> makes of the newest kernel of 6.1: `maker DIR HEADERS.deb COMMON.deb KBUILD.deb`.
 * Caller frees. */
char *pool_of_headers(const char *maker);
/* `maker DIR SOURCE.deb`, of the published sources of 6.1. Skips the test where they can't be had. Caller frees. */
char *pool_of_sources(const char *maker);
/* A checkout with all descriptors of this one; its lists are of what the pool has in directories by their names, at any depth.
 * Caller frees the path. */
char *pool_checkout(const char *pool);

#endif
