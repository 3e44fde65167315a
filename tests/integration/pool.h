/* Packages of other distributions, made by a script from a published kernel's. */
#ifndef TESTS_INTEGRATION_POOL_H
#define TESTS_INTEGRATION_POOL_H

/* A directory that tests/integration/<maker> has filled: it is called with the directory, and headers, common and kbuild of a
 * kernel of 6.1. They take half a minute to make, so they are kept, below `name` in the shared cache, for as long as what they are
 * made of stays the same. Not to be written to. Caller frees. */
char *pool_made_by(const char *maker, const char *name);

#endif
