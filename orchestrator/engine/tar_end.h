/* Inside this room only: does a tar stream that passes by reach its end marker? An engine that fails midway through sending an
 * archive has said 200 long before; the two zero blocks are the only word on completeness (ustar: POSIX.1-2017, pax "ustar
 * Interchange Format"). It looks at nothing but sizes. */
#ifndef ORCHESTRATE_ENGINE_TAR_END_H
#define ORCHESTRATE_ENGINE_TAR_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TAR_BLOCK = 512, TAR_PAX_MAX = 1 << 20 };

/* {0} stands at the beginning. */
struct tar_end {
	char block[TAR_BLOCK];
	size_t block_len;
	uint64_t body_left; /* bytes of the member's body, padding included */
	uint64_t pax_left;  /* of these, bytes that are records of a pax header */
	uint64_t pax_size;  /* what its `size` record says of the next member */
	bool has_pax_size;
	char record[32];      /* beginning of the pax record under way */
	size_t record_len;    /* how long the record is so far, though only its beginning is kept */
	uint64_t record_size; /* what its length field says; 0: not read yet */
	unsigned zero_blocks;
};

/* ERR_CORRUPT for a header that is none. */
must_check int tar_end_feed(struct tar_end *t, const void *bytes, size_t len, struct err *e);
/* ERR_CORRUPT unless the end marker was seen. */
must_check int tar_end_finish(const struct tar_end *t, struct err *e);

#endif
