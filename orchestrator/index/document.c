#include "index/document.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { REFERENCE_MAX = 4096, LEVEL_MAX = 1000 };

/* Also what stands in item lines: another name is another version of the parsers. */
static const char *const kind_names[DOCUMENT_KIND_COUNT] = {
	[DOCUMENT_RELEASE] = "InRelease",     [DOCUMENT_PACKAGES] = "Packages",	  [DOCUMENT_MIRROR_LIST] = "mirror list",
	[DOCUMENT_REPOMD] = "repomd.xml",     [DOCUMENT_PRIMARY] = "primary.xml", [DOCUMENT_LISTING] = "directory listing",
	[DOCUMENT_BUCKET] = "bucket listing", [DOCUMENT_JSON] = "JSON document",
};

const char *document_kind_name(enum document_kind kind)
{
	return kind < DOCUMENT_KIND_COUNT ? kind_names[kind] : "document";
}

int document_kind_parse(const char *name, enum document_kind *ret, struct err *e)
{
	for (size_t i = 0; i < DOCUMENT_KIND_COUNT; i++)
		if (strcmp(name, kind_names[i]) == 0) {
			*ret = (enum document_kind)i;
			return 0;
		}
	return err_set(e, ERR_PROTOCOL, "no kind of document '%.40s'", name);
}

/* Not empty, and of the characters that RFC 3986 allows, each `%` with its two digits. Who reads items may be sure of that much. */
static bool is_reference(const char *text)
{
	size_t len = strnlen(text, REFERENCE_MAX + 1);

	for (const char *p = text; *p && len <= REFERENCE_MAX; p++) {
		bool known = isascii(*p) && (isalnum((unsigned char)*p) || strchr("-._~!$&'()*+,;=:@/?#[]%", *p));
		if (!known || (*p == '%' && !(isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]))))
			return false;
	}
	return len > 0 && len <= REFERENCE_MAX;
}

void index_item_release(struct index_item *item)
{
	if (!item)
		return;
	free(item->reference);
	free(item->by_hash);
	free(item->package);
	free(item->version);
	strv_release(&item->depends);
	*item = (struct index_item){ 0 };
}

static int set_text(json_t *object, const char *key, const char *text)
{
	return text ? json_object_set_new(object, key, json_string(text)) : 0;
}

static int set_flag(json_t *object, const char *key, bool flag)
{
	return flag ? json_object_set_new(object, key, json_true()) : 0;
}

static int set_depends(json_t *object, const struct strv *depends)
{
	if (depends->len == 0)
		return 0;
	json_t *array = json_array();
	for (size_t i = 0; i < depends->len; i++)
		if (json_array_append_new(array, json_string(depends->items[i])) < 0) {
			json_decref(array);
			return -1;
		}
	return json_object_set_new(object, "depends", array);
}

static int set_members(json_t *object, const struct index_item *item)
{
	char hex[DIGEST_HEX + 1];

	if (item->is_package ? set_flag(object, "chosen", item->chosen)
			     : set_text(object, "document", document_kind_name(item->document)) ||
				       json_object_set_new(object, "level", json_integer(item->level)))
		return -1;
	if (item->digest_known) {
		digest_hex(&item->sha256, hex);
		if (set_text(object, "sha256", hex) < 0)
			return -1;
	}
	if (item->size_known && json_object_set_new(object, "size", json_integer((json_int_t)item->size)) < 0)
		return -1;
	return set_text(object, "reference", item->reference) || set_flag(object, "from_root", item->from_root) ||
			       set_text(object, "by_hash", item->by_hash) || set_text(object, "package", item->package) ||
			       set_text(object, "version", item->version) || set_depends(object, &item->depends)
		       ? -1
		       : 0;
}

/* Takes object over. */
static int append_line(json_t *object, struct buf *text, struct err *e)
{
	cleanup_free char *line = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!line)
		return err_no_memory(e);
	return buf_puts(text, line, e) < 0 || buf_puts(text, "\n", e) < 0 ? -1 : 0;
}

int index_item_encode(const struct index_item *item, struct buf *text, struct err *e)
{
	if (!item->reference || !is_reference(item->reference) || (item->by_hash && !is_reference(item->by_hash)))
		return err_set(e, ERR_CORRUPT, "'%.200s' is no URL reference", item->reference ? item->reference : "");
	if (item->size_known && item->size > INT64_MAX)
		return err_set(e, ERR_CORRUPT, "'%.200s' has a size beyond all measure", item->reference);
	json_t *object = json_object();
	if (!object || set_members(object, item) < 0) {
		json_decref(object);
		return err_set(e, ERR_CORRUPT, "'%.200s' has a name or version that is not UTF-8", item->reference);
	}
	return append_line(object, text, e);
}

int document_facts_encode(const struct document_facts *facts, struct buf *text, struct err *e)
{
	return append_line(json_pack("{s:{s:I, s:I}}", "facts", "valid_until", (json_int_t)facts->valid_until, "entries",
				     (json_int_t)facts->entries),
			   text, e);
}

static int foreign(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "items of an index: %s", what);
}

static int get_text(const json_t *value, char **ret, struct err *e)
{
	if (!json_is_string(value))
		return foreign(e, "a text is none");
	*ret = str_dup(json_string_value(value), e);
	return *ret ? 0 : -1;
}

static int get_reference(const json_t *value, char **ret, struct err *e)
{
	if (get_text(value, ret, e) < 0)
		return -1;
	return is_reference(*ret) ? 0 : foreign(e, "a URL reference is none");
}

static int get_number(const json_t *value, json_int_t max, json_int_t *ret, struct err *e)
{
	*ret = json_integer_value(value);
	return json_is_integer(value) && *ret >= 0 && *ret <= max ? 0 : foreign(e, "a number is none");
}

static int get_depends(const json_t *array, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		if (!name)
			return foreign(e, "a name is none");
		if (strv_add(ret, name, e) < 0)
			return -1;
	}
	return 0;
}

static int get_document(const json_t *value, struct index_item *item, struct err *e)
{
	if (!json_is_string(value))
		return foreign(e, "a kind of document is none");
	return document_kind_parse(json_string_value(value), &item->document, e) < 0 ? foreign(e, e->message) : 0;
}

static int get_member(struct index_item *item, const char *key, const json_t *value, struct err *e)
{
	json_int_t number;

	if (strcmp(key, "reference") == 0)
		return get_reference(value, &item->reference, e);
	if (strcmp(key, "by_hash") == 0)
		return get_reference(value, &item->by_hash, e);
	if (strcmp(key, "package") == 0)
		return get_text(value, &item->package, e);
	if (strcmp(key, "version") == 0)
		return get_text(value, &item->version, e);
	if (strcmp(key, "depends") == 0)
		return get_depends(value, &item->depends, e);
	if (strcmp(key, "document") == 0)
		return get_document(value, item, e);
	if (strcmp(key, "chosen") == 0)
		item->chosen = json_is_true(value);
	else if (strcmp(key, "from_root") == 0)
		item->from_root = json_is_true(value);
	else if (strcmp(key, "level") == 0) {
		if (get_number(value, LEVEL_MAX, &number, e) < 0)
			return -1;
		item->level = (unsigned)number;
	} else if (strcmp(key, "size") == 0) {
		if (get_number(value, INT64_MAX, &number, e) < 0)
			return -1;
		item->size = (uint64_t)number;
		item->size_known = true;
	} else if (strcmp(key, "sha256") == 0) {
		item->digest_known = true;
		if (!json_is_string(value) || digest_parse(json_string_value(value), &item->sha256, e) < 0)
			return foreign(e, "a digest is none");
	} else
		return foreign(e, "an unknown member");
	return 0;
}

static int decode_item(const json_t *object, int (*each)(void *, const struct index_item *, struct err *), void *context,
		       struct err *e)
{
	cleanup_index_item struct index_item item = { .is_package = !json_object_get(object, "document") };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) if (get_member(&item, key, value, e) < 0) return -1;
	if (!item.reference)
		return foreign(e, "one has no reference");
	return each ? each(context, &item, e) : 0;
}

static int decode_facts(const json_t *object, struct document_facts *ret, struct err *e)
{
	json_int_t valid_until, entries;

	if (get_number(json_object_get(object, "valid_until"), INT64_MAX, &valid_until, e) < 0 ||
	    get_number(json_object_get(object, "entries"), INT64_MAX, &entries, e) < 0)
		return -1;
	*ret = (struct document_facts){ .valid_until = valid_until, .entries = (uint64_t)entries };
	return 0;
}

int index_items_decode(const char *text, size_t len, int (*each)(void *context, const struct index_item *item, struct err *e),
		       void *context, struct document_facts *ret, struct err *e)
{
	const char *end = text + len;
	struct document_facts facts;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			break;
		json_t *object = json_loadb(text, (size_t)(newline - text), JSON_REJECT_DUPLICATES, NULL);
		const json_t *said = json_object_get(object, "facts");
		int rc = !json_is_object(object) ? foreign(e, "a line is no JSON object")
			 : said			 ? decode_facts(said, &facts, e)
						 : decode_item(object, each, context, e);
		bool last = said;
		json_decref(object);
		if (rc < 0)
			return -1;
		text = newline + 1;
		if (!last)
			continue;
		if (text != end)
			return foreign(e, "something stands behind the last line");
		if (ret)
			*ret = facts;
		return 0;
	}
	return foreign(e, "cut short");
}
