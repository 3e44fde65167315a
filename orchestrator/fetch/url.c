#include "fetch/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

static bool has_scheme(const char *url, const char *scheme)
{
	return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

bool url_is_https(const char *url)
{
	return has_scheme(url, "https://");
}

bool url_is_file(const char *url)
{
	return has_scheme(url, "file:///");
}

bool url_is_fetchable(const char *url)
{
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	if (url_is_file(url))
		return true;
	if (!url_is_https(url) && !has_scheme(url, "http://"))
		return false;
	size_t len;
	url_authority(url, &len);
	return len > 0;
}

/* Behind `scheme://`; the whole text where there is none. */
static const char *after_scheme(const char *url)
{
	const char *colon = strstr(url, "://");
	return colon ? colon + 3 : url;
}

const char *url_authority(const char *url, size_t *ret_len)
{
	const char *start = after_scheme(url);
	size_t len = strcspn(start, "/?#");
	const char *at = memrchr(start, '@', len);

	if (at) {
		len -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	*ret_len = len;
	return start;
}

const char *url_path(const char *url, size_t *ret_len)
{
	const char *start = after_scheme(url);

	start += strcspn(start, "/?#");
	size_t len = *start == '/' ? strcspn(start, "?#") : 0;
	while (len && start[len - 1] == '/')
		len--;
	*ret_len = len;
	return start;
}

char *url_shown(const char *url, struct err *e)
{
	const char *start = after_scheme(url);
	size_t authority_len, rest = strcspn(start, "?#");
	const char *authority = url_authority(url, &authority_len);

	return str_printf(e, "%.*s%.*s", (int)(start - url), url, (int)(start + rest - authority), authority);
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

char *url_file_name(const char *url, struct err *e)
{
	enum { NAME_MAX_BYTES = 200 };
	char name[NAME_MAX_BYTES + 1];
	size_t path_len, n = 0;
	const char *path = url_path(url, &path_len);
	const char *slash = memrchr(path, '/', path_len);
	const char *end = path + path_len;

	for (const char *p = slash ? slash + 1 : path; p < end && n < NAME_MAX_BYTES; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '%' && end - p > 2 && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
			c = (unsigned char)(hex_value(p[1]) << 4 | hex_value(p[2]));
			p += 2;
		}
		bool plain = c < 0x80 && c && (isalnum(c) || strchr("._+~:-", c));
		name[n] = plain && !(n == 0 && c == '.') ? (char)c : '_';
		n++;
	}
	name[n] = '\0';
	return str_dup(n ? name : "unnamed", e);
}
