/* How a private source lets us in. What is in here goes out over the wire and nowhere else: not into a message, a log, a partial
 * file's note, or to another host that the source redirects to (a client certificate is shown, never its key). */
#ifndef ORCHESTRATE_FETCH_ACCESS_H
#define ORCHESTRATE_FETCH_ACCESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

enum fetch_token {
	FETCH_TOKEN_BEARER, /* Authorization: Bearer (RFC 6750) */
	FETCH_TOKEN_BASIC,  /* Authorization: Basic, token as the password of `user` (RFC 7617) */
	FETCH_TOKEN_QUERY,  /* `?token`, or `&token` behind a query that is there; as it is, it must be fit for a URL */
};

/* Plain data; {0} is no access at all. Strings are owned where release is called, else borrowed. */
struct fetch_access {
	struct strv below; /* base URLs: only what lies below one of them is asked with it; empty: every URL */
	char *certificate; /* PEM file with the client certificate; NULL: none */
	char *key;	   /* PEM file with its key; NULL: in the certificate's file */
	char *authority;   /* PEM file with the authorities to trust instead of the system's; NULL: the system's */
	char *token;	   /* NULL: none */
	enum fetch_token token_as;
	char *user; /* FETCH_TOKEN_BASIC [bearer] */
};

/* Wipes the token too. */
void fetch_access_release(struct fetch_access *a);
must_check int fetch_access_copy(const struct fetch_access *from, struct fetch_access *ret, struct err *e);
/* NULL covers nothing. */
bool fetch_access_covers(const struct fetch_access *a, const char *url);
/* The URL as it goes out: with the query token where there is one. A token that may not go there is ERR_INPUT: it has blanks, a `#`
 * or control bytes in it, or the URL is http (unless to this machine itself) and all on the way could read it. NULL on failure;
 * caller frees. */
char *fetch_access_url(const struct fetch_access *a, const char *url, struct err *e);

#define cleanup_fetch_access __attribute__((cleanup(fetch_access_release)))

#endif
