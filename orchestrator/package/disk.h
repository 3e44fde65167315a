/* Disk images: expanded into a file, and where their partitions are. Tables of partitions are read by libblkid. */
#ifndef ORCHESTRATE_PACKAGE_DISK_H
#define ORCHESTRATE_PACKAGE_DISK_H

#include <stdint.h>

#include "base/err.h"

struct source;

/* The largest image that is taken: those that are published for developers have 3 to 6 GiB. */
#define DISK_BYTES_MAX ((uint64_t)16 << 30)

/* Bytes from the start of the image. */
struct disk_part {
	uint64_t offset, size;
};

/* Writes the image, out of whatever it is compressed with, to the empty file fd from its start; runs of zeros become holes. Takes
 * image over, also on failure. More than DISK_BYTES_MAX: ERR_LIMIT; damage: ERR_CORRUPT; no room: ERR_SYSTEM. */
must_check int disk_expand(struct source *image, int fd, uint64_t *ret_size, struct err *e);
/* The partition of that label or number (NULL: the whole image), which must hold a file system that package/ext_tree.h reads: else
 * ERR_CORRUPT saying what is there instead. */
must_check int disk_find(int fd, uint64_t size, const char *partition, struct disk_part *ret, struct err *e);

#endif
