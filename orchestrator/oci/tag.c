#include <string.h>

#include "base/buf.h"
#include "oci/archive.h"

enum { NAME_MAX_BYTES = 255, TAG_MAX_BYTES = 128 };

static bool is_alnum(char c, bool upper)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
}

/* A registry's host, maybe with a port, is a first part that could not be a plain path part. */
static bool is_host(const char *part, size_t len)
{
	if (len == strlen("localhost") && strncmp(part, "localhost", len) == 0)
		return true;
	return memchr(part, '.', len) || memchr(part, ':', len);
}

static bool host_fits(const char *part, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(part[i], true) && (!strchr(".-:", part[i]) || i == 0 || i + 1 == len))
			return false;
	return len > 0;
}

/* Letters and digits, between them one dot, one or two underscores, or any number of dashes. */
static bool part_fits(const char *part, size_t len)
{
	if (!len || !is_alnum(part[0], false) || !is_alnum(part[len - 1], false))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (is_alnum(part[i], false) || part[i] == '-')
			continue;
		size_t run = strspn(part + i, "._");
		bool fits =
			strncmp(part + i, ".", run) == 0 || strncmp(part + i, "_", run) == 0 || strncmp(part + i, "__", run) == 0;
		if (!run || !fits || part[i + run] == '-')
			return false;
		i += run;
	}
	return true;
}

static bool tag_fits(const char *tag)
{
	size_t len = strlen(tag);

	if (!len || len > TAG_MAX_BYTES || tag[0] == '.' || tag[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(tag[i], true) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

static bool name_fits(const char *name, size_t len)
{
	const char *end = name + len;
	bool first = true;

	if (!len || len > NAME_MAX_BYTES)
		return false;
	for (;;) {
		const char *slash = memchr(name, '/', (size_t)(end - name));
		size_t part = (size_t)((slash ? slash : end) - name);
		if (!(first && slash && is_host(name, part) ? host_fits(name, part) : part_fits(name, part)))
			return false;
		if (!slash)
			return true;
		name = slash + 1;
		first = false;
	}
}

int oci_tag_check(const char *ref, struct err *e)
{
	const char *colon = strrchr(ref, ':');

	if (!colon || strchr(colon, '/'))
		return err_set(e, ERR_USAGE, "image name '%s' has no tag; expected 'name:tag'", ref);
	if (!name_fits(ref, (size_t)(colon - ref)) || !tag_fits(colon + 1))
		return err_set(e, ERR_USAGE, "'%s' is not a valid image name", ref);
	return 0;
}
