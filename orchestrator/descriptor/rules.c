#include <string.h>

#include "base/file.h"
#include "descriptor/shape.h"
#include "kernel/arch.h"
#include "kernel/floor.h"
#include "kernel/pattern.h"

enum { NAME_MAX_BYTES = 64 };

int rule_name(const char *text, struct err *e)
{
	size_t len = strlen(text);
	bool fits = len <= NAME_MAX_BYTES && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
	if (!fits || text[0] == '.' || text[0] == '-')
		return err_set(e, ERR_INPUT, "'%s' is no name: expected a-z, 0-9, `.` and `-`, at most %d of them", text,
			       NAME_MAX_BYTES);
	return 0;
}

int rule_plain_path(const char *text, struct err *e)
{
	if (!path_is_plain(text))
		return err_set(e, ERR_INPUT, "'%s': expected a relative path without '.' and '..'", text);
	return 0;
}

int rule_base_url(const char *text, struct err *e)
{
	static const char *const schemes[] = { "http://", "https://", "file:///", NULL };
	for (size_t i = 0; schemes[i]; i++) {
		if (!str_starts(text, schemes[i]))
			continue;
		const char *rest = text + strlen(schemes[i]);
		if (!*rest || *rest == '/')
			break;
		if (str_ends(rest, "/"))
			return err_set(e, ERR_INPUT, "'%s': expected a URL without a slash at its end", text);
		for (; *rest > ' ' && *rest < 0x7f && *rest != '?' && *rest != '#'; rest++)
			;
		if (!*rest)
			return 0;
		break;
	}
	return err_set(e, ERR_INPUT, "'%s': expected an http, https or file URL of a directory", text);
}

int rule_pattern(const char *text, struct err *e)
{
	cleanup_of(pattern) struct pattern *p = NULL;
	return pattern_new(text, &p, e);
}

int rule_floor(const char *text, struct err *e)
{
	return floor_check(text, e);
}

int rule_release(const char *text, struct err *e)
{
	return floor_check_release(text, e);
}

int bind_arch(const char *file, const struct node *node, void *target, struct err *e)
{
	const char *text = node_text(file, node, e);
	if (!text)
		return -1;
	const struct arch *arch = arch_by_name(text);
	if (!arch) {
		const char *nearest = str_nearest(text, arch_names());
		return node_error(file, node, e, "unknown architecture '%s': did you mean '%s'?", text,
				  nearest ? nearest : arch_names()[0]);
	}
	*(const struct arch **)target = arch;
	return 0;
}
