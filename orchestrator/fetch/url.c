#include "fetch/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "stream/digest.h"

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

char *url_origin(const char *url, struct err *e)
{
	enum { SHORT_HEX = 16 };
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	const char *query = strchr(url, '?');
	cleanup_free char *shown = url_shown(url, e);

	if (!shown || !query)
		return steal_ptr(&shown);
	if (digest_of(query, strlen(query), &digest, e) < 0)
		return NULL;
	digest_hex(&digest, hex);
	return str_printf(e, "%s#%.*s", shown, SHORT_HEX, hex);
}

bool url_is_below(const char *url, const char *base)
{
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	return len && strncmp(url, base, len) == 0 && strchr("/?#", url[len]);
}

/* With the characters percent-encoded that libcurl lets through and RFC 3986 does not. */
static char *encode_strays(const char *url, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	for (const char *p = url; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool stray = c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c);
		if ((stray ? buf_printf(&text, e, "%%%02X", c) : buf_append(&text, p, 1, e)) < 0)
			return NULL;
	}
	return buf_steal(&text);
}

static void cleanup_curlu(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void cleanup_curl_text(char **text)
{
	curl_free(*text);
}

/* By libcurl's URL API, which takes an empty reference for the directory. */
static char *join(const char *base, const char *reference, struct err *e)
{
	__attribute__((cleanup(cleanup_curlu))) CURLU *u = curl_url();
	__attribute__((cleanup(cleanup_curl_text))) char *joined = NULL;
	cleanup_free char *bare = str_printf(e, "%.*s", (int)strcspn(reference, "#"), reference);

	if (!u || !bare) {
		err_no_memory(e);
		return NULL;
	}
	CURLUcode code = curl_url_set(u, CURLUPART_URL, base, 0);
	if (!code && *bare)
		code = curl_url_set(u, CURLUPART_URL, bare, 0);
	if (!code)
		code = curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (!code)
		code = curl_url_get(u, CURLUPART_URL, &joined, 0);
	if (code) {
		err_set(e, code == CURLUE_OUT_OF_MEMORY ? ERR_SYSTEM : ERR_INPUT, "%s", curl_url_strerror(code));
		return NULL;
	}
	return encode_strays(joined, e);
}

char *url_resolve(const char *base, const char *reference, struct err *e)
{
	struct err why = { 0 }, ignored;
	cleanup_free char *url = join(base, reference, &why);

	if (!url && why.kind != ERR_INPUT) {
		if (e)
			*e = why;
		return NULL;
	}
	if (url && url_is_fetchable(url) && (!url_is_file(url) || url_is_file(base)))
		return steal_ptr(&url);
	cleanup_free char *shown = url_shown(base, &ignored), *what = url_shown(reference, &ignored);
	err_set(e, ERR_INPUT, "'%.300s' in '%.300s' leads to no URL that is fetched (http, https; file from file alone)",
		what ? what : "?", shown ? shown : "?");
	return NULL;
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
