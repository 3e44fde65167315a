/* One page of an object store's listing: ListBucketResult of the S3 API, version 1 (ListObjects), which Google's XML API gives
 * too. Their namespaces differ. */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "index/choice.h"
#include "index/location.h"
#include "index/parse.h"
#include "index/reference.h"
#include "index/xml.h"

struct bucket {
	const struct index_rules *rules;
	unsigned level;
	struct item_out *out;
	struct choice choice;
	bool in_object;
	uint64_t entries;
	struct buf truncated, marker, next_marker, encoding; /* of the page */
	struct buf key, size;				     /* of the object, the last one in the end */
	struct buf reference;
};

static const struct field {
	const char *name;
	bool of_object;
	size_t at; /* in struct bucket */
} fields[] = {
	{ "IsTruncated", false, offsetof(struct bucket, truncated) },
	{ "Marker", false, offsetof(struct bucket, marker) },
	{ "NextMarker", false, offsetof(struct bucket, next_marker) },
	{ "EncodingType", false, offsetof(struct bucket, encoding) },
	{ "Key", true, offsetof(struct bucket, key) },
	{ "Size", true, offsetof(struct bucket, size) },
};

static const struct field *field_find(const struct bucket *b, const struct xml_element *element)
{
	if (element->depth != (b->in_object ? 2U : 1U))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].of_object == b->in_object && strcmp(fields[i].name, element->name) == 0)
			return &fields[i];
	return NULL;
}

static int open_element(void *context, const struct xml_element *element, struct err *e)
{
	struct bucket *b = context;

	if (element->depth == 0)
		return xml_expect(element, "ListBucketResult", NULL, e);
	if (element->depth == 1 && strcmp(element->name, "Contents") == 0) {
		b->in_object = true;
		b->entries++;
		buf_clear(&b->key);
		buf_clear(&b->size);
		return 0;
	}
	return field_find(b, element) != NULL;
}

static int put_object(struct bucket *b, struct err *e)
{
	struct index_item item = { .is_package = true, .chosen = true, .from_root = true };

	if (!path_is_plain(b->key.data))
		return err_set(e, ERR_HOSTILE, "the key '%.200s' is no plain path", b->key.data);
	buf_clear(&b->reference);
	if (reference_encode(&b->reference, REFERENCE_PATH, b->key.data, e) < 0 || reference_guard(&b->reference, 0, e) < 0 ||
	    (b->size.len && size_read(b->size.data, &item, e) < 0))
		return -1;
	item.reference = b->reference.data;
	return b->out->put(b->out, &item, e);
}

static int end_object(struct bucket *b, struct err *e)
{
	b->in_object = false;
	if (!b->key.len)
		return err_set(e, ERR_CORRUPT, "object %llu has no key", (unsigned long long)b->entries);
	int rc = choice_takes(&b->choice, b->key.data, e);
	return rc <= 0 ? rc : put_object(b, e);
}

static int close_element(void *context, const struct xml_element *element, const char *text, struct err *e)
{
	struct bucket *b = context;

	if (b->in_object && element->depth == 1)
		return end_object(b, e);
	const struct field *field = text ? field_find(b, element) : NULL;
	if (!field)
		return 0;
	struct buf *value = (struct buf *)((char *)b + field->at);
	buf_clear(value);
	return buf_puts(value, text, e);
}

static int put_next(struct bucket *b, struct err *e)
{
	struct index_item item = { .document = DOCUMENT_BUCKET, .level = b->level };
	const char *next = buf_text(b->next_marker.len ? &b->next_marker : &b->key);

	if (!*next)
		return err_set(e, ERR_CORRUPT, "says that it goes on, but names no key");
	/* Keys are in the order of their bytes. Else this page would be asked for again, for ever. */
	if (strcmp(next, buf_text(&b->marker)) <= 0)
		return err_set(e, ERR_CORRUPT, "goes on at '%.200s', which is not behind '%.200s'", next, buf_text(&b->marker));
	buf_clear(&b->reference);
	if (buf_puts(&b->reference, "?", e) < 0)
		return -1;
	if (b->rules->prefix &&
	    (buf_puts(&b->reference, "prefix=", e) < 0 ||
	     reference_encode(&b->reference, REFERENCE_QUERY, b->rules->prefix, e) < 0 || buf_puts(&b->reference, "&", e) < 0))
		return -1;
	if (buf_puts(&b->reference, "marker=", e) < 0 || reference_encode(&b->reference, REFERENCE_QUERY, next, e) < 0)
		return -1;
	item.reference = b->reference.data;
	return b->out->put(b->out, &item, e);
}

static int end_page(struct bucket *b, struct err *e)
{
	if (b->encoding.len)
		return err_set(e, ERR_CORRUPT, "has its keys encoded ('%.40s'), which was not asked for", b->encoding.data);
	if (strcmp(buf_text(&b->truncated), "true") == 0)
		return put_next(b, e);
	if (strcmp(buf_text(&b->truncated), "false") != 0)
		return err_set(e, ERR_CORRUPT, "does not say whether it is the last page");
	return 0;
}

static void bucket_release(struct bucket *b)
{
	choice_release(&b->choice);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		buf_release((struct buf *)((char *)b + fields[i].at));
	buf_release(&b->reference);
}

int index_parse_bucket(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
		       struct document_facts *ret, struct err *e)
{
	static const struct xml_handler handler = { open_element, close_element };
	struct bucket b = { .rules = rules, .level = level, .out = out };

	int rc = choice_init(&b.choice, rules, e);
	if (rc == 0)
		rc = xml_read(in, &handler, &b, e);
	if (rc == 0)
		rc = end_page(&b, e);
	if (rc == 0)
		*ret = (struct document_facts){ .entries = b.entries };
	bucket_release(&b);
	return rc;
}
