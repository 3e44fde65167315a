/* kernel: what a kernel is. Lists of package URLs, versions, and the grouping of packages into kernels by a descriptor's rules.
 * It reads no YAML, fetches nothing and never looks into a package. */
#ifndef ORCHESTRATE_KERNEL_LIST_H
#define ORCHESTRATE_KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	KERNEL_LIST_MAX_BYTES = 64 << 20,
	KERNEL_LIST_MAX_LINE = 2048,
	KERNEL_URL_MAX = 1900, /* so that it fits into a line of digests.h too */
};

struct kernel_url {
	char *url;
	unsigned line;	/* from 1 */
	bool uncrawled; /* of the companion that kernel_list_load_all reads */
};

struct kernel_list {
	struct kernel_url *urls; /* in the order of the file */
	size_t count;
};

/* Format: one http, https or file URL a line, LF (the last may lack it). `#` at the start of a line or after a blank begins a
 * comment. No list is too short: an empty file is an empty list. Errors: blank lines, CR, control bytes, blanks within or before an
 * URL, bytes above 0x7e in a URL, a URL without host or file name or over KERNEL_URL_MAX bytes, a URL that was there before, a line
 * over KERNEL_LIST_MAX_LINE bytes.
 *
 * `name` stands before the line number in messages. Any finding makes it -1 with ERR_INPUT and the first finding in *e;
 * findings (may be NULL) gets each as `name:line: text`, at most FINDINGS_MAX (kernel/findings.h). *ret is untouched on failure. */
must_check int kernel_list_parse(const char *text, size_t len, const char *name, struct kernel_list *ret, struct strv *findings,
				 struct err *e);
/* Reads the file; messages name it by its path. Missing: ERR_NOT_FOUND. */
must_check int kernel_list_load(const char *path, struct kernel_list *ret, struct strv *findings, struct err *e);
/* The list and, behind it, its companion of lines that no index gives any more (list_merge.h), where there is one. A URL that
 * stands in both, as after a crash between writing the two, counts once: as the list's. */
must_check int kernel_list_load_all(const char *path, struct kernel_list *ret, struct strv *findings, struct err *e);
/* "x/debian.txt" -> "x/debian-uncrawled.txt"; a path that does not end in .txt gets -uncrawled behind it. Caller frees. */
char *kernel_list_uncrawled_path(const char *path, struct err *e);
void kernel_list_release(struct kernel_list *list);

/* The last part of the URL's path, percent-decoded (RFC 3986), without query and fragment. Not usable as a file name (empty, `.`,
 * `..`, `/`, NUL or control bytes, bad escape): ERR_INPUT. NULL on failure; caller frees. */
char *kernel_url_name(const char *url, struct err *e);
/* The same for the last `parts` (1 and up) of the path with slashes between, or as many as there are: "5.10/headers.tgz". */
char *kernel_url_tail(const char *url, unsigned parts, struct err *e);

#define cleanup_kernel_list __attribute__((cleanup(kernel_list_release)))

#endif
