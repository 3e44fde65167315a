#include "cache/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

int content_verify(int fd, const struct digest *expected, const uint64_t *size, struct digest *ret_found, uint64_t *ret_size,
		   struct err *e)
{
	char want[DIGEST_HEX + 1], have[DIGEST_HEX + 1];
	struct digest found;
	uint64_t found_size;

	if (digest_of_fd(fd, &found, &found_size, e) < 0)
		return -1;
	if (ret_found)
		*ret_found = found;
	if (ret_size)
		*ret_size = found_size;
	bool wrong_size = size && *size != found_size;
	if (digest_equal(&found, expected) && !wrong_size)
		return 0;
	digest_hex(expected, want);
	digest_hex(&found, have);
	if (wrong_size)
		return err_set(e, ERR_CORRUPT, "its size is %llu bytes, expected %llu; its sha256 is %s, expected %s",
			       (unsigned long long)found_size, (unsigned long long)*size, have, want);
	return err_set(e, ERR_CORRUPT, "its sha256 is %s, expected %s", have, want);
}

int content_set_aside(const char *path, const char *bad_dir, const char *name, const struct digest *found, const char *reason,
		      struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(found, hex);
	cleanup_free char *target = str_printf(e, "%s/%s.%.8s", bad_dir, name, hex);
	cleanup_free char *note = str_printf(e, "%s/%s.%.8s.reason", bad_dir, name, hex);
	cleanup_free char *text = str_printf(e, "%s\n", reason);
	if (!target || !note || !text || path_make_dirs(bad_dir, e) < 0)
		return -1;
	/* The reason goes first: nothing lies in bad/ without one. */
	if (file_replace(note, text, strlen(text), 0666, e) < 0)
		return -1;
	if (rename(path, target) == 0)
		return 0;
	if (errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_system(e, errno, "setting '%s' aside", path);
	if (path_remove(target, e) < 0)
		return -1;
	if (rename(path, target) < 0 && errno != ENOENT)
		return err_system(e, errno, "setting '%s' aside", path);
	return 0;
}

char *content_path(const char *dir, const struct digest *d, const char *suffix, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return str_printf(e, "%s/%.2s/%s%s", dir, hex, hex, suffix);
}

int content_make_parent(const char *path, struct err *e)
{
	cleanup_free char *dir = str_printf(e, "%.*s", (int)(path_base(path) - path - 1), path);

	return dir ? path_make_dirs(dir, e) : -1;
}

int content_sync_dir(const char *dir, struct err *e)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some network file systems refuse it; they have no such promise to give. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_system(e, errno, "syncing directory '%s'", dir);
	return 0;
}
