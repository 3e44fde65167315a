/* libext2fs on a part of an open file, only to read. For ext_tree.c. */
#ifndef ORCHESTRATE_PACKAGE_EXT_IO_H
#define ORCHESTRATE_PACKAGE_EXT_IO_H

#include <ext2fs/ext2fs.h>

#include "package/disk.h"

enum { EXT_IO_NAME_MAX = 64 };

extern struct struct_io_manager ext_io_manager;
/* The name under which ext2fs_open opens that part through the manager. fd is borrowed. */
void ext_io_name(int fd, const struct disk_part *part, char ret[EXT_IO_NAME_MAX]);

#endif
