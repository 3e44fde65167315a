/* Bytes that don't compress and are the same for the same seed. */
#ifndef TESTS_SUPPORT_RANDOM_BYTES_H
#define TESTS_SUPPORT_RANDOM_BYTES_H

#include <stddef.h>

/* Caller frees. Fails the test when out of memory. */
char *random_bytes(size_t len, unsigned seed);

#endif
