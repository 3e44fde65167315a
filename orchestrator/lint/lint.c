#include "lint/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/version.h"
#include "lint/checkout.h"

enum { FILE_MAX_BYTES = 1 << 20 };

void lint_report_release(struct lint_report *report)
{
	strv_release(&report->findings);
	strv_release(&report->notes);
}

char *checkout_path(const struct checkout *c, const char *name, struct err *e)
{
	return strcmp(c->root, ".") == 0 ? str_dup(name, e) : path_join(c->root, name, e);
}

unsigned checkout_line(const char *path, const char *text)
{
	cleanup_buf struct buf bytes = { 0 };
	struct err unwanted;
	unsigned line = 1;

	if (file_read(path, FILE_MAX_BYTES, &bytes, &unwanted) < 0)
		return 1;
	const char *found = strstr(buf_text(&bytes), text);
	for (const char *at = buf_text(&bytes); found && at < found; at++)
		line += *at == '\n';
	return line;
}

int checkout_find(struct checkout *c, char *text, struct err *e)
{
	return strv_take(&c->report->findings, text, e);
}

int checkout_note(struct checkout *c, char *text, struct err *e)
{
	if (text && strv_has(&c->report->notes, text)) {
		free(text);
		return 0;
	}
	return strv_take(&c->report->notes, text, e);
}

int checkout_blame(struct checkout *c, const char *path, struct err *e)
{
	size_t len = strlen(path);

	if (e->kind != ERR_INPUT && e->kind != ERR_LIMIT && e->kind != ERR_NOT_FOUND)
		return -1;
	char *text = strncmp(e->message, path, len) == 0 && e->message[len] == ':' ? str_dup(e->message, e)
										   : str_printf(e, "%s:1: %s", path, e->message);
	return checkout_find(c, text, e) < 0 ? -1 : 1;
}

static int compare_places(const void *a, const void *b)
{
	return version_compare_natural(*(const char *const *)a, *(const char *const *)b);
}

int checkout_blame_all(struct checkout *c, const char *path, const struct strv *findings, struct err *e)
{
	cleanup_free char **sorted = calloc(findings->len + 1, sizeof(*sorted));

	if (!findings->len)
		return checkout_blame(c, path, e);
	if (!sorted)
		return err_no_memory(e);
	memcpy(sorted, findings->items, findings->len * sizeof(*sorted));
	/* They begin with path:line:column. */
	qsort(sorted, findings->len, sizeof(*sorted), compare_places);
	for (size_t i = 0; i < findings->len; i++)
		if (checkout_find(c, str_dup(sorted[i], e), e) < 0)
			return -1;
	return 1;
}

int checkout_keyring(struct checkout *c, const char *path, const char *keyring, struct err *e)
{
	if (!keyring)
		return 0;
	cleanup_free char *place = checkout_path(c, keyring, e);
	int there = place ? path_exists(place, e) : -1;
	if (there)
		return there < 0 ? -1 : 0;
	/* What is not the system's comes with the checkout. */
	if (keyring[0] != '/')
		return checkout_find(
			c, str_printf(e, "%s:%u: the keyring '%s' is missing", path, checkout_line(path, keyring), keyring), e);
	return checkout_note(
		c, str_printf(e, "%s:%u: the keyring '%s' is not on this machine", path, checkout_line(path, keyring), keyring), e);
}

int lint_checkout(const char *root, const char *today, struct lint_report *ret, struct err *e)
{
	static int (*const checks[])(struct checkout *, struct err *) = { check_descriptors, check_lists, check_recipes,
									  check_probe };
	struct checkout c = { .root = root, .today = today, .report = ret };
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_LEN(checks); i++)
		result = checks[i](&c, e);
	strv_release(&c.names);
	strv_release(&c.companions);
	distro_set_release(&c.distros);
	block_list_free(c.block_list);
	return result;
}
