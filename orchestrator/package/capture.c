#include "package/capture.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "stream/archive_stream.h"

const char *const capture_names[CAPTURE_COUNT] = {
	[CAPTURE_SYMVERS] = "Module.symvers",  [CAPTURE_CONFIG] = ".config",	  [CAPTURE_AUTO_CONF] = "auto.conf",
	[CAPTURE_UTSRELEASE] = "utsrelease.h", [CAPTURE_VERMAGIC] = "vermagic.h", [CAPTURE_BPF] = "bpf.h",
};

static const struct {
	const char *path;
	bool anywhere; /* a kernel's common headers are in a directory of their own with some distros */
} places[CAPTURE_COUNT] = {
	[CAPTURE_SYMVERS] = { "Module.symvers", false },
	[CAPTURE_CONFIG] = { ".config", false },
	[CAPTURE_AUTO_CONF] = { "include/config/auto.conf", false },
	[CAPTURE_UTSRELEASE] = { "include/generated/utsrelease.h", false },
	[CAPTURE_VERMAGIC] = { "include/linux/vermagic.h", true },
	[CAPTURE_BPF] = { "include/uapi/linux/bpf.h", true },
};

/* Paths have no slash before them. */
static bool is_at_end(const char *path, const char *place)
{
	size_t len = strlen(path), place_len = strlen(place);

	return str_ends(path, place) && (len == place_len || path[len - place_len - 1] == '/');
}

static bool is_below_tools(const char *path)
{
	return str_starts(path, "tools/") || strstr(path, "/tools/");
}

enum capture capture_of(const char *path, const char *build_dir)
{
	bool top = strcmp(build_dir, ".") == 0;
	size_t dir_len = strlen(build_dir);
	const char *below = path; /* the build directory; without the slash */
	int which = 0;

	if (!top)
		below = dir_len && strncmp(path, build_dir, dir_len) == 0 && path[dir_len] == '/' ? path + dir_len + 1 : "";
	for (; which < CAPTURE_COUNT; which++) {
		if (strcmp(below, places[which].path) == 0)
			break;
		if (places[which].anywhere && is_at_end(path, places[which].path) && !is_below_tools(path))
			break;
	}
	return (enum capture)which;
}

enum capture capture_find(const char *name)
{
	int which = 0;

	while (which < CAPTURE_COUNT && strcmp(capture_names[which], name) != 0)
		which++;
	return (enum capture)which;
}

int captures_memory(struct err *e)
{
	int fd = memfd_create("captures", MFD_CLOEXEC);

	return fd < 0 ? err_system(e, errno, "memory for captures") : fd;
}

struct capture_writer {
	struct archive *archive;
	struct archive_entry *entry;
	struct sink *out;
	bool has[CAPTURE_COUNT];
	size_t bytes;
};

void capture_writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	archive_entry_free(w->entry);
	if (w->archive)
		archive_write_free(w->archive);
	free(w);
}

int capture_writer_new(struct sink *out, struct capture_writer **ret, struct err *e)
{
	cleanup_of(capture_writer) struct capture_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_no_memory(e);
	w->out = out;
	w->archive = archive_write_new();
	w->entry = archive_entry_new();
	if (!w->archive || !w->entry)
		return err_no_memory(e);
	if (archive_write_set_format_ustar(w->archive) != ARCHIVE_OK)
		return archive_err(w->archive, e);
	if (archive_write_open_sink(w->archive, out, e) < 0)
		return -1;
	*ret = steal_ptr(&w);
	return 0;
}

bool capture_writer_has(const struct capture_writer *w, enum capture which)
{
	return w->has[which];
}

int capture_writer_add(struct capture_writer *w, enum capture which, const void *bytes, size_t len, struct err *e)
{
	enum { AROUND = 4096 }; /* header, padding, and a share of the end marker */

	if (w->has[which])
		return 0;
	if (len > CAPTURES_BYTES_MAX - AROUND || w->bytes + len + AROUND > CAPTURES_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "'%s' of %zu bytes; at most %d are kept", capture_names[which], len,
			       CAPTURES_BYTES_MAX);
	w->has[which] = true;
	w->bytes += len + AROUND;
	archive_entry_clear(w->entry);
	archive_entry_set_pathname(w->entry, capture_names[which]);
	archive_entry_set_filetype(w->entry, AE_IFREG);
	archive_entry_set_perm(w->entry, 0644);
	archive_entry_set_size(w->entry, (la_int64_t)len);
	if (archive_write_header(w->archive, w->entry) != ARCHIVE_OK ||
	    (len && archive_write_data(w->archive, bytes, len) != (la_ssize_t)len))
		return archive_err(w->archive, e);
	return 0;
}

int capture_writer_finish(struct capture_writer *w, struct err *e)
{
	if (archive_write_close(w->archive) != ARCHIVE_OK)
		return archive_err(w->archive, e);
	return sink_finish(w->out, e);
}
