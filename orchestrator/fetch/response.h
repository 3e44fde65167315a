/* What the head of a response says of the file. Internal to fetch. */
#ifndef ORCHESTRATE_FETCH_RESPONSE_H
#define ORCHESTRATE_FETCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {0} is empty. */
struct response {
	char *etag, *last_modified; /* as sent; NULL: not told */
	bool has_range;
	uint64_t range_start, range_total; /* Content-Range; total 0: not told */
};

void response_clear(struct response *r);
/* Takes one header line as libcurl gives it; a status line begins anew, so that of a chain of redirects the last one counts. */
void response_take_line(struct response *r, const char *line, size_t len);
/* What If-Range takes: a strong ETag, else the date, else NULL. Borrowed. */
const char *response_validator(const struct response *r);

#endif
