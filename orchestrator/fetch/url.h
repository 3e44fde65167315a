/* The few things we need to know of a URL (RFC 3986); transfers are libcurl's. */
#ifndef ORCHESTRATE_FETCH_URL_H
#define ORCHESTRATE_FETCH_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* http, https or file, letter case ignored: the only schemes that are ever fetched. */
bool url_is_fetchable(const char *url);
bool url_is_https(const char *url);
bool url_is_file(const char *url);
/* Host and port as written, without user and password; empty for file: URLs. Borrowed from url. */
const char *url_authority(const char *url, size_t *ret_len);
/* Path from its first slash, without trailing slashes, query and fragment; empty for none. Borrowed from url. */
const char *url_path(const char *url, size_t *ret_len);
/* Whether url is base itself or lies in the tree below it; a slash at the end of base does not matter. Compared as written. */
bool url_is_below(const char *url, const char *base);
/* What reference means in the document at base (RFC 3986, section 5; a directory's base ends in a slash), dot segments resolved,
 * without fragment, and with what no list line can hold percent-encoded. Leads to no URL, or to none that is fetched (http, https;
 * file: only from a file: base): ERR_INPUT. NULL on failure; caller frees. */
char *url_resolve(const char *base, const char *reference, struct err *e);
/* For messages, logs and records: without user, password, query and fragment, which may hold secrets. NULL when out of memory.
 * Caller frees. */
char *url_shown(const char *url, struct err *e);
/* What tells one URL from another in a record on disk: as url_shown, with a short digest of the query where there is one. NULL on
 * failure. Caller frees. */
char *url_origin(const char *url, struct err *e);
/* A file name made of the last path part: percent-decoded, everything but letters, digits and `._+~:-` becomes `_`, never
 * starting with a dot, at most 200 bytes; "unnamed" when nothing is left. NULL when out of memory. Caller frees. */
char *url_file_name(const char *url, struct err *e);

#endif
