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
/* For messages, logs and records: without user, password, query and fragment, which may hold secrets. NULL when out of memory.
 * Caller frees. */
char *url_shown(const char *url, struct err *e);
/* A file name made of the last path part: percent-decoded, everything but letters, digits and `._+~:-` becomes `_`, never
 * starting with a dot, at most 200 bytes; "unnamed" when nothing is left. NULL when out of memory. Caller frees. */
char *url_file_name(const char *url, struct err *e);

#endif
