/* Deterministic layers. The same content gives the same uncompressed tar, hence the same diff_id, on every machine and in every
 * run: members sorted bytewise, each parent directory once and before what is in it, uid and gid 0 without names, whole-second
 * mtimes, neither atime nor ctime, ustar headers with pax records only where a value does not fit. The compressed bytes depend on
 * the zlib version too: only diff_ids are promised.
 * Format: OCI image-spec, layer.md; pax: POSIX.1-2017 pax(1). */
#ifndef ORCHESTRATE_OCI_LAYER_H
#define ORCHESTRATE_OCI_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "stream/digest.h"
#include "stream/source.h"

enum {
	LAYER_PATH_MAX = 4000,	     /* bytes in a member's path */
	LAYER_MEMBERS_MAX = 1000000, /* members in one layer */
	LAYER_GZIP_LEVEL = 6,	     /* what most callers want; 1 where speed counts more than size */
};

#define LAYER_MEDIA_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define LAYER_MEDIA_TAR	 "application/vnd.oci.image.layer.v1.tar"
#define LAYER_MEDIA_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"

/* A finished layer. Strings are owned. {0} is empty. */
struct layer {
	struct digest diff_id; /* of the uncompressed tar */
	struct digest digest;  /* of the blob */
	uint64_t size;	       /* of the blob, bytes */
	char *path;	       /* the blob's file */
	char *media_type;      /* LAYER_MEDIA_* */
	char *created_by;      /* for the image's history; NULL: none */
};

void layer_release(struct layer *l);
must_check int layer_copy(const struct layer *from, struct layer *ret, struct err *e);

#define cleanup_layer __attribute__((cleanup(layer_release)))

/* --- a layer from single members --- */

struct layer_builder;

/* NULL with *e when out of memory. */
struct layer_builder *layer_builder_new(struct err *e);
/* NULL is fine. */
void layer_builder_free(struct layer_builder *b);

DEFINE_CLEANUP(layer_builder, struct layer_builder, layer_builder_free)

/* Each of these adds one member, in any order. `path` is relative to the image's root and plain (path_is_plain(); else ERR_USAGE);
 * a path added twice is ERR_CONFLICT at layer_write, except directories, where the last mode wins. Missing parents come by
 * themselves with mode 0755. mode: permission bits. Everything is copied unless said otherwise. */
/* The file at source_path is opened and read by layer_write only, so it must stay until then. */
must_check int layer_add_file(struct layer_builder *b, const char *path, const char *source_path, mode_t mode, struct err *e);
/* The bytes [0, size of the file) of fd, read by layer_write through a duplicate of fd; the file position does not matter. */
must_check int layer_add_fd(struct layer_builder *b, const char *path, int fd, mode_t mode, struct err *e);
must_check int layer_add_bytes(struct layer_builder *b, const char *path, const void *bytes, size_t len, mode_t mode,
			       struct err *e);
must_check int layer_add_dir(struct layer_builder *b, const char *path, mode_t mode, struct err *e);
/* target is written as it is. */
must_check int layer_add_symlink(struct layer_builder *b, const char *path, const char *target, struct err *e);
/* Adds the regular files, directories and symlinks below the host's directory `source` under path ("" is the image's root), modes
 * reduced to 0755 or 0644. Other types: ERR_INPUT. */
must_check int layer_add_tree(struct layer_builder *b, const char *path, const char *source, struct err *e);

/* Writes the layer, gzip level 1-9, as a blob into dir. Every member's mtime is `epoch` (seconds since 1970; SOURCE_DATE_EPOCH):
 * the times of built files differ from run to run. Files are streamed. A file that changes its size meanwhile: ERR_CORRUPT.
 * created_by may be NULL. The builder can be written again. */
must_check int layer_write(struct layer_builder *b, const char *dir, int64_t epoch, int level, const char *created_by,
			   struct layer *ret, struct err *e);

/* --- a layer from a foreign root-filesystem tar --- */

struct layer_rules {
	/* fnmatch(3) patterns without flags (so `*` also matches slashes) on paths without a leading "./"; a matching member is
	 * left out, a matching directory with all that is below it. NULL-terminated; NULL: none. */
	const char *const *drop;
	/* As drop; a matching member stays although drop matches it. */
	const char *const *keep;
	/* As drop; matching regular files become empty. */
	const char *const *empty;
};

/* Rewrites a tar (borrowed source; any format and compression that libarchive reads) into a deterministic layer in dir.
 * Order is as it comes, so the producer must be deterministic in it (mmdebstrap is). Modes, symlinks and hard links stay as they
 * are; all belongs to uid and gid 0; set-user-ID and set-group-ID bits, xattrs, capabilities, ACLs, device nodes, sockets and FIFOs
 * are dropped; mtimes later than epoch become epoch. `..` in a path, or a hard link to a member that did not come: ERR_HOSTILE. A
 * tar that breaks off or has no member: ERR_CORRUPT. The source is read to its end. */
must_check int layer_from_tar(struct source *tar, const struct layer_rules *rules, const char *dir, int64_t epoch, int level,
			      const char *created_by, struct layer *ret, struct err *e);

#endif
