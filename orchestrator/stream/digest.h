/* SHA-256 (FIPS 180-4), by libcrypto. */
#ifndef ORCHESTRATE_STREAM_DIGEST_H
#define ORCHESTRATE_STREAM_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 64 };

struct digest {
	unsigned char bytes[DIGEST_BYTES];
};

struct hasher;

/* NULL with *e when out of memory. */
struct hasher *hasher_new(struct err *e);
void hasher_free(struct hasher *h);
must_check int hasher_update(struct hasher *h, const void *bytes, size_t len, struct err *e);
/* One field of a composed key: its length (64 bit, big-endian) goes in before it, so that fields can't run together. */
must_check int hasher_field(struct hasher *h, const void *bytes, size_t len, struct err *e);
must_check int hasher_text(struct hasher *h, const char *text, struct err *e);
/* The digest; the hasher starts anew. */
must_check int hasher_finish(struct hasher *h, struct digest *ret, struct err *e);

must_check int digest_of(const void *bytes, size_t len, struct digest *ret, struct err *e);
/* Hashes an open file from offset 0 by pread (the file position does not move); *ret_size may be NULL. */
must_check int digest_of_fd(int fd, struct digest *ret, uint64_t *ret_size, struct err *e);
/* Lower-case hex with its NUL. */
void digest_hex(const struct digest *d, char ret[DIGEST_HEX + 1]);
/* Exactly 64 hex digits, else -1 with ERR_INPUT. */
must_check int digest_parse(const char *hex, struct digest *ret, struct err *e);
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
