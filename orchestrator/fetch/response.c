#include "fetch/response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_clear(struct response *r)
{
	free(r->etag);
	free(r->last_modified);
	*r = (struct response){ 0 };
}

/* The value of a header line if it is `name`, without blanks around; *ret_len is its length. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	const char *start = line + n + 1, *end = line + len;
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	while (end > start && strchr("\r\n \t", end[-1]))
		end--;
	*ret_len = (size_t)(end - start);
	return start;
}

static bool keep_header(const char *line, size_t len, const char *name, char **ret)
{
	size_t n;
	const char *value = header_value(line, len, name, &n);

	if (!value || memchr(value, '\n', n) || !n)
		return false;
	free(*ret);
	*ret = strndup(value, n);
	return true;
}

static uint64_t read_number(const char **p, const char *end)
{
	uint64_t n = 0;

	while (*p < end && **p >= '0' && **p <= '9') {
		unsigned digit = (unsigned)(*(*p)++ - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return UINT64_MAX;
		n = n * 10 + digit;
	}
	return n;
}

/* `bytes 100-199/200`, a total of `*` when unknown, and `bytes * /200` (no blank) with status 416: RFC 9110, 14.4. */
static void read_content_range(struct response *r, const char *value, size_t len)
{
	const char *p = value, *end = value + len;

	if (len < 6 || strncasecmp(p, "bytes ", 6) != 0)
		return;
	p += 6;
	if (p < end && *p != '*')
		r->range_start = read_number(&p, end);
	const char *slash = memchr(p, '/', (size_t)(end - p));
	if (!slash)
		return;
	p = slash + 1;
	r->range_total = read_number(&p, end);
	r->has_range = true;
}

void response_take_line(struct response *r, const char *line, size_t len)
{
	size_t n;

	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		response_clear(r);
		return;
	}
	const char *range = header_value(line, len, "Content-Range", &n);
	if (range)
		read_content_range(r, range, n);
	else if (!keep_header(line, len, "ETag", &r->etag))
		keep_header(line, len, "Last-Modified", &r->last_modified);
}

const char *response_validator(const struct response *r)
{
	if (r->etag && r->etag[0] == '"')
		return r->etag;
	return r->etag ? NULL : r->last_modified;
}
