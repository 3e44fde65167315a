#include "prove/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/version.h"

enum { REPORT_BYTES_MAX = 256 << 20, REPORT_VERSION = 1 };

static void json_free(json_t *json)
{
	json_decref(json);
}

DEFINE_CLEANUP(json, json_t, json_free)

json_t *report_make(const struct proof_set *proofs, struct err *e)
{
	cleanup_of(json) json_t *items = json_array();

	for (size_t i = 0; items && i < proofs->count; i++) {
		json_t *entry = proof_to_json(&proofs->items[i], e);
		if (!entry)
			return NULL;
		if (json_array_append_new(items, entry) < 0)
			items = (json_decref(items), NULL);
	}
	json_t *report = items ? json_pack("{s:i, s:O}", "v", REPORT_VERSION, "proofs", items) : NULL;
	if (!report)
		err_no_memory(e);
	return report;
}

static const char *text(const json_t *entry, const char *key)
{
	const char *value = json_string_value(json_object_get(entry, key));

	return value ? value : "";
}

static bool is_among(const struct proof_set *proofs, const json_t *entry)
{
	for (size_t i = 0; i < proofs->count; i++)
		if (strcmp(proofs->items[i].kernel, text(entry, "kernel")) == 0 &&
		    strcmp(kind_name(proofs->items[i].kind), text(entry, "kind")) == 0)
			return true;
	return false;
}

/* Whether the entry is about the object that is there now. Names come out of a file: only plain ones are followed. */
static bool holds(const char *modules_dir, const json_t *entry)
{
	const char *name = text(entry, "object");
	cleanup_buf struct buf bytes = { 0 };
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	struct err ignored;

	if (!path_is_plain(name) || strchr(name, '/'))
		return false;
	cleanup_free char *path = path_join(modules_dir, name, &ignored);
	if (!path || trial_read_object(path, &bytes, &ignored) < 0 || digest_of(buf_text(&bytes), bytes.len, &digest, &ignored) < 0)
		return false;
	digest_hex(&digest, hex);
	return strcmp(hex, text(entry, "object_sha256")) == 0;
}

/* Appends what still holds of the file that is there. */
static int keep(const char *path, const char *modules_dir, const struct proof_set *proofs, json_t *items, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	json_error_t je;
	json_t *entry;
	size_t i;

	if (file_read(path, REPORT_BYTES_MAX, &bytes, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	cleanup_of(json) json_t *old = json_loads(buf_text(&bytes), JSON_REJECT_DUPLICATES, &je);
	if (!old || json_integer_value(json_object_get(old, "v")) != REPORT_VERSION)
		return err_set(e, ERR_INPUT, "%s: %s; remove it, and prove makes it anew", path,
			       old ? "no proof.json of ours" : je.text);
	json_array_foreach(json_object_get(old, "proofs"), i, entry)
	{
		if (!is_among(proofs, entry) && holds(modules_dir, entry) && json_array_append(items, entry) < 0)
			return err_no_memory(e);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = version_compare_natural(text(x, "kernel"), text(y, "kernel"));

	return order ? order : strcmp(text(x, "kind"), text(y, "kind"));
}

static int sort(json_t *items, struct err *e)
{
	size_t count = json_array_size(items);
	cleanup_free json_t **rows = calloc(count ? count : 1, sizeof(json_t *));

	if (!rows)
		return err_no_memory(e);
	for (size_t i = 0; i < count; i++)
		rows[i] = json_incref(json_array_get(items, i));
	qsort(rows, count, sizeof(json_t *), compare);
	for (size_t i = 0; i < count; i++)
		(void)!json_array_set_new(items, i, rows[i]); /* of an index that is there: can't fail */
	return 0;
}

int report_update(const char *path, const char *modules_dir, const struct proof_set *proofs, struct err *e)
{
	cleanup_of(json) json_t *report = report_make(proofs, e);
	json_t *items = json_object_get(report, "proofs");

	if (!report || keep(path, modules_dir, proofs, items, e) < 0 || sort(items, e) < 0)
		return -1;
	cleanup_free char *dump = json_dumps(report, JSON_INDENT(1) | JSON_SORT_KEYS);
	cleanup_free char *whole = dump ? str_printf(e, "%s\n", dump) : NULL;
	if (!whole)
		return err_no_memory(e);
	return file_replace(path, whole, strlen(whole), 0644, e);
}
