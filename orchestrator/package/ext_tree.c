#include "package/ext_tree.h"

#include <archive_entry.h>
#include <et/com_err.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "package/ext_io.h"
#include "package/member.h"
#include "stream/archive_stream.h"

enum { CHUNK = 256 * 1024, DIRECTORY_MAX = 64 * 1024 };

struct walk {
	ext2_filsys fs;
	const struct image_rules *rules;
	struct archive *archive;
	struct archive_entry *entry;
	struct member_totals totals;
	char *chunk;
	struct err *e;
};

/* One directory's entries. */
struct names {
	struct name {
		ext2_ino_t inode;
		char text[EXT2_NAME_LEN + 1];
	} * items;
	size_t count, room;
	bool failed, too_many; /* failed: out of memory */
};

static void names_release(struct names *n)
{
	free(n->items);
}

static void walk_release(struct walk *w)
{
	free(w->chunk);
	archive_entry_free(w->entry);
	archive_write_free(w->archive);
	if (w->fs)
		ext2fs_free(w->fs);
}

static int fail(struct walk *w, errcode_t code, const char *path)
{
	if (code == EXT2_ET_NO_MEMORY)
		return err_no_memory(w->e);
	return err_set(w->e, ERR_CORRUPT, "the file system in the disk image: '%.200s': %s", path, error_message(code));
}

static int add_name(struct ext2_dir_entry *entry, int offset, int blocksize, char *block, void *context)
{
	struct names *n = context;
	size_t len = (size_t)ext2fs_dirent_name_len(entry);

	(void)offset, (void)blocksize, (void)block;
	if (n->count == n->room) {
		size_t room = n->room ? 2 * n->room : 32;
		n->too_many = n->count >= DIRECTORY_MAX;
		struct name *grown = n->too_many ? NULL : realloc(n->items, room * sizeof(*grown));
		if (!grown) {
			n->failed = !n->too_many;
			return DIRENT_ABORT;
		}
		n->items = grown;
		n->room = room;
	}
	struct name *name = &n->items[n->count];
	if (len == 0 || len > EXT2_NAME_LEN)
		return 0;
	memcpy(name->text, entry->name, len);
	name->text[len] = '\0';
	if (strcmp(name->text, ".") == 0 || strcmp(name->text, "..") == 0)
		return 0;
	name->inode = entry->inode;
	n->count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static int write_header(struct walk *w, const char *path, const struct ext2_inode *inode, mode_t type, uint64_t size,
			const char *target)
{
	archive_entry_clear(w->entry);
	archive_entry_set_pathname(w->entry, path);
	archive_entry_set_filetype(w->entry, type);
	archive_entry_set_perm(w->entry, inode->i_mode & 0777);
	archive_entry_set_mtime(w->entry, inode->i_mtime, 0);
	archive_entry_set_size(w->entry, (la_int64_t)size);
	if (target)
		archive_entry_set_symlink(w->entry, target);
	if (++w->totals.count > MEMBER_COUNT_MAX)
		return err_set(w->e, ERR_LIMIT, "more than %d files are to be taken from the disk image", MEMBER_COUNT_MAX);
	if (size > MEMBER_BYTES_MAX - w->totals.bytes)
		return err_set(w->e, ERR_LIMIT, "more than %llu bytes are to be taken from the disk image",
			       (unsigned long long)MEMBER_BYTES_MAX);
	w->totals.bytes += size;
	return archive_write_header(w->archive, w->entry) == ARCHIVE_OK ? 0 : archive_err(w->archive, w->e);
}

static int write_body(struct walk *w, const char *path, ext2_file_t file, uint64_t size)
{
	unsigned got;

	while (size) {
		/* Of what stands in the inode itself libext2fs gives more than there is. */
		errcode_t code = ext2fs_file_read(file, w->chunk, size < CHUNK ? (unsigned)size : CHUNK, &got);
		if (code || got == 0 || got > size)
			return fail(w, code ? code : EXT2_ET_SHORT_READ, path);
		if (archive_write_data(w->archive, w->chunk, got) != (la_ssize_t)got)
			return archive_err(w->archive, w->e);
		size -= got;
	}
	return 0;
}

static int write_file(struct walk *w, const char *path, ext2_ino_t number, const struct ext2_inode *inode)
{
	uint64_t size = EXT2_I_SIZE(inode);
	ext2_file_t file;

	if (write_header(w, path, inode, AE_IFREG, size, NULL) < 0)
		return -1;
	errcode_t code = ext2fs_file_open(w->fs, number, 0, &file);
	if (code)
		return fail(w, code, path);
	int rc = write_body(w, path, file, size);
	ext2fs_file_close(file);
	return rc;
}

/* A short target stands in the inode itself. */
static errcode_t read_target(struct walk *w, ext2_ino_t number, struct ext2_inode *inode, char target[MEMBER_PATH_MAX])
{
	size_t size = EXT2_I_SIZE(inode);
	ext2_file_t file;
	unsigned got = 0;

	if (size >= MEMBER_PATH_MAX)
		return EXT2_ET_FILE_TOO_BIG;
	if (ext2fs_is_fast_symlink(inode)) {
		if (size > sizeof(inode->i_block))
			return EXT2_ET_FILE_TOO_BIG;
		memcpy(target, inode->i_block, size);
		target[size] = '\0';
		return 0;
	}
	errcode_t code = ext2fs_file_open(w->fs, number, 0, &file);
	if (code)
		return code;
	code = ext2fs_file_read(file, target, (unsigned)size, &got);
	ext2fs_file_close(file);
	target[got] = '\0';
	return code || got == size ? code : EXT2_ET_SHORT_READ;
}

static int write_link(struct walk *w, const char *path, ext2_ino_t number, struct ext2_inode *inode)
{
	char target[MEMBER_PATH_MAX];

	errcode_t code = read_target(w, number, inode, target);
	return code ? fail(w, code, path) : write_header(w, path, inode, AE_IFLNK, 0, target);
}

static bool is_left(const struct image_rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->leave.len; i++)
		if (fnmatch(rules->leave.items[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static int write_directory(struct walk *w, char *path, ext2_ino_t number, const struct ext2_inode *inode, unsigned depth);

static int write_any(struct walk *w, char *path, ext2_ino_t number, unsigned depth)
{
	struct ext2_inode inode;

	if (is_left(w->rules, path))
		return 0;
	errcode_t code = ext2fs_read_inode(w->fs, number, &inode);
	if (code)
		return fail(w, code, path);
	if (LINUX_S_ISDIR(inode.i_mode))
		return write_directory(w, path, number, &inode, depth);
	if (LINUX_S_ISREG(inode.i_mode))
		return write_file(w, path, number, &inode);
	return LINUX_S_ISLNK(inode.i_mode) ? write_link(w, path, number, &inode) : 0;
}

/* path: room for MEMBER_PATH_MAX bytes; as it was afterwards. */
static int write_directory(struct walk *w, char *path, ext2_ino_t number, const struct ext2_inode *inode, unsigned depth)
{
	__attribute__((cleanup(names_release))) struct names names = { 0 };
	size_t len = strlen(path);

	if (depth > MEMBER_DEPTH_MAX)
		return err_set(w->e, ERR_LIMIT, "'%.200s...' in the disk image lies more than %d directories deep", path,
			       MEMBER_DEPTH_MAX);
	errcode_t code = ext2fs_dir_iterate(w->fs, number, 0, NULL, add_name, &names);
	if (names.failed)
		return err_no_memory(w->e);
	if (names.too_many)
		return err_set(w->e, ERR_LIMIT, "'%.200s' in the disk image has more than %d names", path, DIRECTORY_MAX);
	if (code)
		return fail(w, code, path);
	if (write_header(w, path, inode, AE_IFDIR, 0, NULL) < 0)
		return -1;
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; i < names.count; i++) {
		if (len + strlen(names.items[i].text) + 2 > MEMBER_PATH_MAX)
			return err_set(w->e, ERR_LIMIT, "a name in '%.200s...' of the disk image is too long", path);
		path[len] = '/';
		strcpy(path + len + 1, names.items[i].text);
		int rc = write_any(w, path, names.items[i].inode, depth + 1);
		path[len] = '\0';
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A directory that the rules name. */
static int write_taken(struct walk *w, const char *name)
{
	char path[MEMBER_PATH_MAX];
	ext2_ino_t number;
	struct ext2_inode inode;

	if (strlen(name) >= sizeof(path))
		return err_set(w->e, ERR_LIMIT, "'%.80s...' is too long", name);
	strcpy(path, name);
	errcode_t code = ext2fs_namei_follow(w->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, name, &number);
	if (code == EXT2_ET_FILE_NOT_FOUND)
		return err_set(w->e, ERR_CORRUPT, "the disk image has no '%.200s'", name);
	if (!code)
		code = ext2fs_read_inode(w->fs, number, &inode);
	if (code)
		return fail(w, code, name);
	if (!LINUX_S_ISDIR(inode.i_mode))
		return err_set(w->e, ERR_CORRUPT, "'%.200s' in the disk image is no directory", name);
	return write_directory(w, path, number, &inode, 1);
}

static int walk_open(struct walk *w, int fd, const struct disk_part *part, struct sink *out)
{
	char name[EXT_IO_NAME_MAX];

	initialize_ext2_error_table();
	ext_io_name(fd, part, name);
	errcode_t code = ext2fs_open(name, EXT2_FLAG_64BITS, 0, 0, &ext_io_manager, &w->fs);
	if (code)
		return fail(w, code, "superblock");
	w->chunk = malloc(CHUNK);
	w->entry = archive_entry_new();
	w->archive = archive_write_new();
	if (!w->chunk || !w->entry || !w->archive)
		return err_no_memory(w->e);
	if (archive_write_set_format_pax_restricted(w->archive) != ARCHIVE_OK)
		return archive_err(w->archive, w->e);
	return archive_write_open_sink(w->archive, out, w->e);
}

int ext_tree_write(int fd, const struct disk_part *part, const struct image_rules *rules, struct sink *out, struct err *e)
{
	__attribute__((cleanup(walk_release))) struct walk w = { .rules = rules, .e = e };

	if (walk_open(&w, fd, part, out) < 0)
		return -1;
	for (size_t i = 0; i < rules->take.len; i++)
		if (write_taken(&w, rules->take.items[i]) < 0)
			return -1;
	if (archive_write_close(w.archive) != ARCHIVE_OK)
		return archive_err(w.archive, e);
	return sink_finish(out, e);
}
