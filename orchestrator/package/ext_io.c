#include "package/ext_io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ext_io {
	int fd;
	struct disk_part part;
};

void ext_io_name(int fd, const struct disk_part *part, char ret[EXT_IO_NAME_MAX])
{
	snprintf(ret, EXT_IO_NAME_MAX, "%d:%" PRIu64 ":%" PRIu64, fd, part->offset, part->size);
}

static errcode_t io_close(io_channel channel)
{
	EXT2_CHECK_MAGIC(channel, EXT2_ET_MAGIC_IO_CHANNEL);
	if (--channel->refcount > 0)
		return 0;
	ext2fs_free_mem(&channel->private_data);
	ext2fs_free_mem(&channel->name);
	return ext2fs_free_mem(&channel);
}

static errcode_t io_open(const char *name, int flags, io_channel *ret)
{
	struct ext_io io;
	io_channel channel = NULL;
	errcode_t code;

	if ((flags & IO_FLAG_RW) || sscanf(name, "%d:%" SCNu64 ":%" SCNu64, &io.fd, &io.part.offset, &io.part.size) != 3)
		return EXT2_ET_BAD_DEVICE_NAME;
	code = ext2fs_get_memzero(sizeof(*channel), &channel);
	if (code)
		return code;
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &ext_io_manager;
	channel->block_size = 1024;
	channel->refcount = 1;
	code = ext2fs_get_mem(strlen(name) + 1, &channel->name);
	if (!code)
		code = ext2fs_get_mem(sizeof(io), &channel->private_data);
	if (code) {
		io_close(channel);
		return code;
	}
	strcpy(channel->name, name);
	memcpy(channel->private_data, &io, sizeof(io));
	*ret = channel;
	return 0;
}

static errcode_t io_set_blksize(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* count: of blocks; below zero: of bytes. */
static errcode_t io_read_blk64(io_channel channel, unsigned long long block, int count, void *bytes)
{
	const struct ext_io *io = channel->private_data;
	size_t len = count < 0 ? (size_t) - (int64_t)count : (size_t)count * (size_t)channel->block_size;
	uint64_t at;

	if (__builtin_mul_overflow((uint64_t)block, (uint64_t)channel->block_size, &at) || at > io->part.size ||
	    len > io->part.size - at)
		return EXT2_ET_SHORT_READ;
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(io->fd, (char *)bytes + done, len - done, (off_t)(io->part.offset + at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EXT2_ET_SHORT_READ;
		done += (size_t)n;
	}
	return 0;
}

static errcode_t io_read_blk(io_channel channel, unsigned long block, int count, void *bytes)
{
	return io_read_blk64(channel, block, count, bytes);
}

static errcode_t io_write_blk(io_channel channel, unsigned long block, int count, const void *bytes)
{
	(void)channel, (void)block, (void)count, (void)bytes;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_write_blk64(io_channel channel, unsigned long long block, int count, const void *bytes)
{
	(void)channel, (void)block, (void)count, (void)bytes;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t io_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

struct struct_io_manager ext_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "part of a file",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read_blk,
	.write_blk = io_write_blk,
	.flush = io_flush,
	.read_blk64 = io_read_blk64,
	.write_blk64 = io_write_blk64,
};
