#include "package/disk.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "stream/decompress_source.h"
#include "stream/source.h"

enum { CHUNK = 64 * 1024, HOLE = 4096, SECTOR = 512 };

#define XZ_MEMORY_BYTES ((uint64_t)192 << 20)

DEFINE_CLEANUP(source, struct source, source_free)
DEFINE_CLEANUP(blkid, struct blkid_struct_probe, blkid_free_probe)

/* --- expanding --- */

static bool is_zero(const char *bytes, size_t len)
{
	return len && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static int write_at(int fd, const char *bytes, size_t len, uint64_t offset, struct err *e)
{
	while (len) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "expanding the disk image");
		bytes += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* The parts of a chunk that are not all zeros. */
static int write_sparse(int fd, const char *bytes, size_t len, uint64_t offset, struct err *e)
{
	for (size_t at = 0, end; at < len; at = end) {
		end = at + HOLE < len ? at + HOLE : len;
		if (is_zero(bytes + at, end - at))
			continue;
		while (end < len && !is_zero(bytes + end, len - end < HOLE ? len - end : HOLE))
			end = end + HOLE < len ? end + HOLE : len;
		if (write_at(fd, bytes + at, end - at, offset + at, e) < 0)
			return -1;
	}
	return 0;
}

/* As much of a chunk as there is: less only at the end. */
static ssize_t read_chunk(struct source *s, char *bytes, struct err *e)
{
	size_t have = 0;

	while (have < CHUNK) {
		ssize_t n = source_read(s, bytes + have, CHUNK - have, e);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int disk_expand(struct source *image, int fd, uint64_t *ret_size, struct err *e)
{
	cleanup_of(source) struct source *s = source_decompress(image, XZ_MEMORY_BYTES, DISK_BYTES_MAX, e);
	cleanup_free char *chunk = malloc(CHUNK);
	uint64_t size = 0;
	ssize_t n;

	if (!s)
		return -1;
	if (!chunk)
		return err_no_memory(e);
	while ((n = read_chunk(s, chunk, e)) > 0) {
		if (write_sparse(fd, chunk, (size_t)n, size, e) < 0)
			return -1;
		size += (uint64_t)n;
	}
	if (n < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) < 0)
		return err_system(e, errno, "expanding the disk image");
	*ret_size = size;
	return 0;
}

/* --- partitions --- */

static struct blkid_struct_probe *probe_open(int fd, const struct disk_part *part, struct err *e)
{
	cleanup_of(blkid) struct blkid_struct_probe *probe = blkid_new_probe();

	if (!probe) {
		err_no_memory(e);
		return NULL;
	}
	if (blkid_probe_set_device(probe, fd, (blkid_loff_t)part->offset, (blkid_loff_t)part->size) != 0) {
		err_set(e, ERR_CORRUPT, "the disk image can't be looked at");
		return NULL;
	}
	return steal_ptr(&probe);
}

static bool is_wanted(struct blkid_struct_partition *p, const char *wanted)
{
	const char *label = blkid_partition_get_name(p);
	char number[16];

	snprintf(number, sizeof(number), "%d", blkid_partition_get_partno(p));
	return (label && strcmp(label, wanted) == 0) || strcmp(number, wanted) == 0;
}

static int find_partition(int fd, const struct disk_part *whole, const char *wanted, struct disk_part *ret, struct err *e)
{
	cleanup_of(blkid) struct blkid_struct_probe *probe = probe_open(fd, whole, e);
	struct blkid_struct_partition *found = NULL;

	if (!probe)
		return -1;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	struct blkid_struct_partlist *list = blkid_probe_get_partitions(probe);
	int count = list ? blkid_partlist_numof_partitions(list) : 0;
	if (count <= 0)
		return err_set(e, ERR_CORRUPT, "is not a disk image, or not a whole one: there is no table of partitions for it");
	for (int i = 0; i < count && !found; i++) {
		struct blkid_struct_partition *p = blkid_partlist_get_partition(list, i);
		if (p && is_wanted(p, wanted))
			found = p;
	}
	if (!found)
		return err_set(e, ERR_CORRUPT, "the disk image has no partition '%s' among its %d", wanted, count);
	uint64_t start = (uint64_t)blkid_partition_get_start(found), sectors = (uint64_t)blkid_partition_get_size(found);
	if (start > whole->size / SECTOR || sectors > whole->size / SECTOR - start)
		return err_set(e, ERR_CORRUPT, "the disk image ends within its partition '%s'", wanted);
	*ret = (struct disk_part){ .offset = start * SECTOR, .size = sectors * SECTOR };
	return 0;
}

static int check_file_system(int fd, const struct disk_part *part, const char *name, struct err *e)
{
	cleanup_of(blkid) struct blkid_struct_probe *probe = probe_open(fd, part, e);
	const char *type = NULL;

	if (!probe)
		return -1;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
	if (blkid_do_safeprobe(probe) < 0 || blkid_probe_lookup_value(probe, "TYPE", &type, NULL) < 0)
		return err_set(e, ERR_CORRUPT, "there is no file system in '%s' of the disk image", name);
	if (str_starts(type, "ext") && strlen(type) == 4)
		return 0;
	return err_set(e, ERR_CORRUPT, "'%s' of the disk image holds %.32s; of file systems ext2, ext3 and ext4 can be read", name,
		       type);
}

int disk_find(int fd, uint64_t size, const char *partition, struct disk_part *ret, struct err *e)
{
	struct disk_part part = { .offset = 0, .size = size };

	if (partition && find_partition(fd, &part, partition, &part, e) < 0)
		return -1;
	if (check_file_system(fd, &part, partition ? partition : "the whole", e) < 0)
		return -1;
	*ret = part;
	return 0;
}
