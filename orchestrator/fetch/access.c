#include "fetch/access.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "fetch/url.h"

void fetch_access_release(struct fetch_access *a)
{
	if (!a)
		return;
	if (a->token)
		explicit_bzero(a->token, strlen(a->token));
	strv_release(&a->below);
	free(a->certificate);
	free(a->key);
	free(a->authority);
	free(a->token);
	free(a->user);
	*a = (struct fetch_access){ 0 };
}

static int copy_text(const char *from, char **ret, struct err *e)
{
	if (!from)
		return 0;
	*ret = str_dup(from, e);
	return *ret ? 0 : -1;
}

int fetch_access_copy(const struct fetch_access *from, struct fetch_access *ret, struct err *e)
{
	cleanup_fetch_access struct fetch_access copy = { .token_as = from->token_as };

	for (size_t i = 0; i < from->below.len; i++)
		if (strv_add(&copy.below, from->below.items[i], e) < 0)
			return -1;
	if (copy_text(from->certificate, &copy.certificate, e) < 0 || copy_text(from->key, &copy.key, e) < 0 ||
	    copy_text(from->authority, &copy.authority, e) < 0 || copy_text(from->token, &copy.token, e) < 0 ||
	    copy_text(from->user, &copy.user, e) < 0)
		return -1;
	*ret = copy;
	copy = (struct fetch_access){ 0 };
	return 0;
}

bool fetch_access_covers(const struct fetch_access *a, const char *url)
{
	if (!a)
		return false;
	for (size_t i = 0; i < a->below.len; i++)
		if (url_is_below(url, a->below.items[i]))
			return true;
	return a->below.len == 0;
}

/* localhost, 127.0.0.0/8 or [::1]: what never leaves the machine. */
static bool is_this_machine(const char *url)
{
	char host[64];
	struct in_addr v4;
	size_t len;
	const char *authority = url_authority(url, &len);

	if (len >= 5 && strncmp(authority, "[::1]", 5) == 0 && (len == 5 || authority[5] == ':'))
		return true;
	const char *colon = memchr(authority, ':', len);
	if (colon)
		len = (size_t)(colon - authority);
	if (len >= sizeof(host))
		return false;
	memcpy(host, authority, len);
	host[len] = '\0';
	return strcasecmp(host, "localhost") == 0 || (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static bool fit_for_query(const char *token)
{
	for (const char *p = token; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '#')
			return false;
	return true;
}

/* What goes into a header line must not end it. */
static bool fit_for_header(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

char *fetch_access_url(const struct fetch_access *a, const char *url, struct err *e)
{
	if (!a->token)
		return str_dup(url, e);
	if (!*a->token || !(a->token_as == FETCH_TOKEN_QUERY ? fit_for_query(a->token) : fit_for_header(a->token))) {
		err_set(e, ERR_INPUT, "its access token is empty or has characters that no token has");
		return NULL;
	}
	if (!url_is_https(url) && !url_is_file(url) && !is_this_machine(url)) {
		err_set(e, ERR_INPUT,
			"its access token is not sent over http, where everybody on the way could read it; use https");
		return NULL;
	}
	if (a->token_as != FETCH_TOKEN_QUERY || url_is_file(url))
		return str_dup(url, e);
	return str_printf(e, "%s%c%s", url, strchr(url, '?') ? '&' : '?', a->token);
}
