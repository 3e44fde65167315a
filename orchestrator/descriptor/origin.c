#include "descriptor/origin.h"

#include <string.h>

#include "base/file.h"
#include "descriptor/distro.h"

/* The script expands them unquoted. */
static int rule_shell_glob(const char *text, struct err *e)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+~*?-");

	if (text[len] || !path_is_plain(text))
		return err_set(e, ERR_INPUT,
			       "'%s': expected a path below the tree: letters, digits, `/._+~-`, and the wildcards `*` and `?`",
			       text);
	return 0;
}

static int rule_local_version(const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len > 64 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-") != len)
		return err_set(e, ERR_INPUT, "'%s': expected what stands at the end of a release: letters, digits, `._+~-`", text);
	return 0;
}

static const struct field prepare_fields[] = {
	{ .key = "config",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct prepare_rules, config),
	  .rule = rule_shell_glob },
	{ .key = "local-version",
	  .type = FIELD_TEXT,
	  .offset = offsetof(struct prepare_rules, local_version),
	  .rule = rule_local_version },
	{ 0 },
};
const struct shape prepare_shape = { .what = "prepare section", .fields = prepare_fields };

static const struct field image_fields[] = {
	{ .key = "partition", .type = FIELD_TEXT, .offset = offsetof(struct image_rules, partition) },
	{ .key = "take",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct image_rules, take),
	  .rule = rule_plain_path },
	{ .key = "leave", .type = FIELD_TEXTS, .offset = offsetof(struct image_rules, leave) },
	{ 0 },
};
const struct shape image_shape = { .what = "image section", .fields = image_fields };
