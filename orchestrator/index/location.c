#include "index/location.h"

#include <string.h>
#include <strings.h>

#include "index/reference.h"

/* http://host/..., https likewise. */
static bool is_web_url(const char *text)
{
	size_t scheme = strncasecmp(text, "https://", 8) == 0 ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;

	return scheme && text[scheme] && text[scheme] != '/';
}

static int add_base(struct buf *ret, const char *base, struct err *e)
{
	if (!is_web_url(base) || strpbrk(base, "?#"))
		return err_set(e, ERR_HOSTILE, "the base '%.200s' of a location is no plain http or https URL", base);
	if (reference_encode(ret, REFERENCE_ESCAPED, base, e) < 0)
		return -1;
	return str_ends(base, "/") ? 0 : buf_puts(ret, "/", e);
}

int location_read(struct location *l, const struct xml_element *element, struct err *e)
{
	return xml_attribute(element, "base", &l->base, e) < 0 || xml_attribute(element, "href", &l->href, e) < 0 ? -1 : 0;
}

void location_clear(struct location *l)
{
	buf_clear(&l->base);
	buf_clear(&l->href);
}

void location_release(struct location *l)
{
	buf_release(&l->base);
	buf_release(&l->href);
}

int location_reference(const struct location *l, struct buf *ret, struct err *e)
{
	const char *href = buf_text(&l->href);

	buf_clear(ret);
	if (!*href || str_ends(href, "/"))
		return err_set(e, ERR_CORRUPT, "the location '%.200s' is no file's", href);
	if (*href == '/' || strstr(href, "://"))
		return err_set(e, ERR_HOSTILE, "the location '%.200s' is not relative", href);
	if (l->base.len && add_base(ret, l->base.data, e) < 0)
		return -1;
	size_t start = ret->len;
	return reference_encode(ret, REFERENCE_ESCAPED, href, e) < 0 ? -1 : reference_guard(ret, start, e);
}

int checksum_read(const char *type, const char *text, struct index_item *item, struct err *e)
{
	item->digest_known = false;
	if (strcmp(type, "sha256") != 0)
		return 0;
	if (digest_parse(text, &item->sha256, e) < 0)
		return err_set(e, ERR_CORRUPT, "'%.80s' is no sha256", text);
	item->digest_known = true;
	return 0;
}

int size_read(const char *text, struct index_item *item, struct err *e)
{
	unsigned long long size;

	if (str_to_u64(text, INT64_MAX, &size, e) < 0)
		return err_set(e, ERR_CORRUPT, "'%.40s' is no size", text);
	item->size = size;
	item->size_known = true;
	return 0;
}
