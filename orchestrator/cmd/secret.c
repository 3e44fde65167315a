#include "cmd/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

void secret_forget(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int read_line(const char *path, struct secret *ret, struct err *e)
{
	cleanup_close int fd = file_open(path, e);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	while (n && len < sizeof(ret->text)) {
		n = read(fd, ret->text + len, sizeof(ret->text) - len);
		if (n < 0 && errno != EINTR)
			return err_system(e, errno, "reading '%s'", path);
		len += n > 0 ? (size_t)n : 0;
	}
	char *end = memchr(ret->text, '\n', len);
	if (!end && len > SECRET_BYTES_MAX)
		return err_set(e, ERR_USAGE, "the first line of '%s' is longer than %d bytes", path, SECRET_BYTES_MAX);
	if (end)
		len = (size_t)(end - ret->text);
	if (len && ret->text[len - 1] == '\r')
		len--;
	explicit_bzero(ret->text + len, sizeof(ret->text) - len);
	return 0;
}

static int read_variable(const char *name, struct secret *ret, struct err *e)
{
	char *value = getenv(name);

	if (!value)
		return err_set(e, ERR_USAGE, "the environment has no '%s'", name);
	size_t len = strlen(value);
	if (len > SECRET_BYTES_MAX)
		return err_set(e, ERR_USAGE, "the value of '%s' is longer than %d bytes", name, SECRET_BYTES_MAX);
	memcpy(ret->text, value, len + 1);
	explicit_bzero(value, len);
	unsetenv(name);
	return 0;
}

int secret_read(const char *file, const char *variable, struct secret *ret, struct err *e)
{
	*ret = (struct secret){ 0 };
	if (file && variable)
		return err_set(e, ERR_USAGE, "--passphrase-file and --passphrase-env don't go together");
	if (!file && !variable)
		return 0;
	ret->given = 1;
	return file ? read_line(file, ret, e) : read_variable(variable, ret, e);
}
