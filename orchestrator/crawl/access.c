#include "crawl/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { TOKEN_MAX_BYTES = 16 << 10 };

static const enum fetch_token token_kinds[] = {
	[TOKEN_BEARER] = FETCH_TOKEN_BEARER,
	[TOKEN_BASIC] = FETCH_TOKEN_BASIC,
	[TOKEN_QUERY] = FETCH_TOKEN_QUERY,
};

/* NULL for one that is not set, or set to nothing. */
static const char *variable(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

/* Editors and echo leave a newline at the end of a file that holds a token. */
static int read_token(const char *path, char **ret, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (file_read(path, TOKEN_MAX_BYTES, &text, e) < 0)
		return -1;
	while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (!text.len)
		return err_set(e, ERR_INPUT, "'%s' holds no token", path);
	*ret = buf_steal(&text);
	return *ret ? 0 : err_no_memory(e);
}

/* NAME, or the file that NAME_FILE names. 1, 0 neither is set, -1. */
static int find_token(const char *name, char **ret, struct err *e)
{
	const char *value = variable(name);
	cleanup_free char *file_name = str_printf(e, "%s_FILE", name);

	if (!file_name)
		return -1;
	if (value) {
		*ret = str_dup(value, e);
		return *ret ? 1 : -1;
	}
	const char *path = variable(file_name);
	if (!path)
		return 0;
	return read_token(path, ret, e) < 0 ? err_wrap(e, "%s", file_name) : 1;
}

/* 1, 0 it is wanted and not set. A variable that is not wanted is nothing to lack. */
static int copy_path(const char *name, char **ret, struct err *e)
{
	const char *value = variable(name);

	if (!name)
		return 1;
	if (!value)
		return 0;
	*ret = str_dup(value, e);
	return *ret ? 1 : -1;
}

int access_from_environment(const struct index_access *a, struct fetch_access *ret, const char **ret_missing, struct err *e)
{
	cleanup_fetch_access struct fetch_access access = { .token_as = token_kinds[a->token_as] };
	const struct {
		const char *name;
		char **place;
		bool needed;
	} files[] = {
		{ a->certificate, &access.certificate, true },
		{ a->key, &access.key, true },
		{ a->authority, &access.authority, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int there = copy_path(files[i].name, files[i].place, e);
		if (there < 0)
			return -1;
		if (!there && files[i].needed) {
			*ret_missing = files[i].name;
			return 0;
		}
	}
	if (a->token) {
		int there = find_token(a->token, &access.token, e);
		if (there == 0)
			*ret_missing = a->token;
		if (there <= 0)
			return there;
	}
	if (a->token_user && !(access.user = str_dup(a->token_user, e)))
		return -1;
	*ret = access;
	access = (struct fetch_access){ 0 };
	return 1;
}
