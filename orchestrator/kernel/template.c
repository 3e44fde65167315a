#include "kernel/template.h"

#include <string.h>

#include "base/buf.h"

enum { TEMPLATE_MAX = 4096, TEMPLATE_NAME_MAX = 64 };

/* Looks up the hole at `${`; *at goes behind it. */
static const char *expand_hole(const char **at, template_lookup *lookup, const void *context, size_t *ret_len, struct err *e)
{
	const char *start = *at + 2, *end = strchr(start, '}');
	char name[TEMPLATE_NAME_MAX];
	if (!end) {
		err_set(e, ERR_INPUT, "'${' without '}'");
		return NULL;
	}
	size_t len = (size_t)(end - start);
	if (len == 0 || len >= sizeof(name)) {
		err_set(e, ERR_INPUT, "the name in '${%.*s}' is %s", (int)(len < 80 ? len : 80), start,
			len ? "too long" : "missing");
		return NULL;
	}
	memcpy(name, start, len);
	name[len] = '\0';
	const char *value = lookup(context, name, ret_len);
	if (!value)
		err_set(e, ERR_INPUT, "nothing gives '${%s}' a value", name);
	*at = end + 1;
	return value;
}

char *template_expand(const char *text, template_lookup *lookup, const void *context, struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	if (buf_reserve(&out, strlen(text) + 1, e) < 0)
		return NULL;
	while (*text) {
		const char *hole = strstr(text, "${");
		size_t len = hole ? (size_t)(hole - text) : strlen(text);
		if (buf_append(&out, text, len, e) < 0)
			return NULL;
		text += len;
		if (!hole)
			break;
		const char *value = expand_hole(&text, lookup, context, &len, e);
		if (!value || buf_append(&out, value, len, e) < 0)
			return NULL;
		if (out.len > TEMPLATE_MAX) {
			err_set(e, ERR_LIMIT, "a template gives more than %d bytes", TEMPLATE_MAX);
			return NULL;
		}
	}
	return buf_steal(&out);
}

int template_check(const char *text, template_lookup *lookup, const void *context, struct err *e)
{
	while ((text = strstr(text, "${"))) {
		size_t len;
		if (!expand_hole(&text, lookup, context, &len, e))
			return -1;
	}
	return 0;
}
