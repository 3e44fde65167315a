#include "package/tar.h"

#include "package/member.h"
#include "stream/decompress_source.h"

enum { HEADER_BYTES = 3 * 512 }; /* a member's block, and two for a long name before it */

/* Dictionaries of 64 MiB (xz -9), as kernel sources are published with. */
#define XZ_MEMORY_BYTES ((uint64_t)192 << 20)

struct source *tar_open(struct source *package, unsigned threads, struct err *e)
{
	(void)threads;
	return source_decompress(package, XZ_MEMORY_BYTES, MEMBER_BYTES_MAX + (uint64_t)MEMBER_COUNT_MAX * HEADER_BYTES, e);
}
