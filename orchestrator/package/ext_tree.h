/* The files of an ext2, ext3 or ext4 file system that lies in an image, read by libext2fs: nothing is mounted. */
#ifndef ORCHESTRATE_PACKAGE_EXT_TREE_H
#define ORCHESTRATE_PACKAGE_EXT_TREE_H

#include "base/err.h"
#include "package/disk.h"
#include "package/image_rules.h"

struct sink;

/* Writes the directories that rules take, with what is in them, as one tar to out, and finishes out. Files, directories and
 * symlinks, sorted by name; what has several names comes several times; everything else is left out. What a kernel's packages may
 * hold (package/member.h) is the limit here too: ERR_LIMIT. Damage, or a directory that is not there: ERR_CORRUPT. */
must_check int ext_tree_write(int fd, const struct disk_part *part, const struct image_rules *rules, struct sink *out,
			      struct err *e);

#endif
