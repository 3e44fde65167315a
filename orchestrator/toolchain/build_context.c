#include "toolchain/build_context.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/folder.h"
#include "oci/tar_source.h"

enum { DOCKERFILE_MAX_BYTES = 1 << 20, FILE_MAX_BYTES = 64 << 20 };

DEFINE_CLEANUP(source, struct source, source_free)
DEFINE_CLEANUP(hasher, struct hasher, hasher_free)

/* The image that a line's FROM names; NULL where it is no FROM. *ret_len: its length. */
static const char *from_of(const char *line, size_t len, size_t *ret_len)
{
	static const char blanks[] = " \t\r";
	const char *p = line + strspn(line, " \t"), *end = line + len;

	if (end - p < 5 || strncasecmp(p, "FROM", 4) != 0 || !strchr(blanks, p[4]))
		return NULL;
	p += 4;
	p += strspn(p, " \t");
	while (end - p > 2 && p[0] == '-' && p[1] == '-') {
		p += strcspn(p, " \t\n");
		p += strspn(p, " \t");
	}
	*ret_len = strcspn(p, " \t\r\n");
	return p;
}

int build_context_check(const struct recipe *recipe, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *path = path_join(recipe->dir, recipe->build.dockerfile, e);
	unsigned number = 0;
	bool any = false;

	if (!path || file_read(path, DOCKERFILE_MAX_BYTES, &text, e) < 0) {
		if (path && e && e->kind == ERR_NOT_FOUND)
			e->kind = ERR_INPUT;
		return path ? err_wrap(e, "the Dockerfile of '%s'", recipe->name) : -1;
	}
	for (const char *line = buf_text(&text), *end; *line; line = *end ? end + 1 : end) {
		size_t len;
		end = strchrnul(line, '\n');
		number++;
		const char *from = from_of(line, (size_t)(end - line), &len);
		if (!from)
			continue;
		any = true;
		if (strncmp(from, "${" BUILD_CONTEXT_BASE "}", len) != 0 || len != strlen("${" BUILD_CONTEXT_BASE "}"))
			return err_set(e, ERR_INPUT,
				       "%s:%u: FROM '%.*s': expected ${" BUILD_CONTEXT_BASE "}, whose digest stands in image.yaml",
				       path, number, (int)len, from);
	}
	return any ? 0 : err_set(e, ERR_INPUT, "%s:1: there is no FROM in it", path);
}

static int add_file(struct source *tar, const struct recipe *recipe, const char *name, struct err *e)
{
	cleanup_free char *path = path_join(recipe->dir, name, e);
	struct stat st;

	if (!path)
		return -1;
	if (stat(path, &st) < 0)
		return err_system(e, errno, "'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "'%s': a build context has files only", path);
	if (st.st_size > FILE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "'%s' is larger than %d bytes", path, FILE_MAX_BYTES);
	return tar_source_add_file(tar, name, path, (uint64_t)st.st_size, e);
}

struct source *build_context_open(const struct recipe *recipe, struct err *e)
{
	cleanup_strv struct strv names = { 0 };

	if (build_context_check(recipe, e) < 0 || folder_names(recipe->dir, "", &names, e) < 0)
		return NULL;
	cleanup_of(source) struct source *tar = tar_source_new(e);
	if (!tar)
		return NULL;
	for (size_t i = 0; i < names.len; i++)
		if (strcmp(names.items[i], "image.yaml") != 0 && add_file(tar, recipe, names.items[i], e) < 0)
			return NULL;
	if (tar_source_end(tar, e) < 0)
		return NULL;
	return steal_ptr(&tar);
}

int build_context_digest(const struct recipe *recipe, struct digest *ret, struct err *e)
{
	cleanup_of(source) struct source *tar = build_context_open(recipe, e);
	cleanup_of(hasher) struct hasher *h = tar ? hasher_new(e) : NULL;
	char bytes[16384];
	ssize_t n;

	if (!h)
		return -1;
	while ((n = source_read(tar, bytes, sizeof(bytes), e)) > 0)
		if (hasher_update(h, bytes, (size_t)n, e) < 0)
			return -1;
	return n < 0 ? -1 : hasher_finish(h, ret, e);
}
