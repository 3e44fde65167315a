/* Packages of other distributions, made by a script from what this machine's mirror has. That takes up to some minutes, so they are
 * kept, in a directory of the shared cache that is called `name`, for as long as what they are made of stays the same. Not to be
 * written to. */
#ifndef TESTS_INTEGRATION_POOL_H
#define TESTS_INTEGRATION_POOL_H

/* The directory that tests/integration/<maker> has filled: it is called with the directory, and headers, common and kbuild of a
 * kernel of 6.1. Caller frees. */
char *pool_made_by(const char *maker, const char *name);
/* The same of the package with the sources of 6.1. Skips the test where that can't be had. Caller frees. */
char *pool_of_sources(const char *maker, const char *name);
/* A checkout with all descriptors of this one; its lists are of what the pool has in directories by their names, at any depth.
 * Caller frees the path. */
char *pool_checkout(const char *pool);

#endif
