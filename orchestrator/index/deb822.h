/* The control-file syntax of Debian's indexes: paragraphs of fields, `Name: value` with further lines indented. Format: deb822(5).
 */
#ifndef ORCHESTRATE_INDEX_DEB822_H
#define ORCHESTRATE_INDEX_DEB822_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "index/line_reader.h"

/* One line. Texts are borrowed from the line reader, without the blanks around them, not NUL-terminated. */
struct deb822_line {
	enum { DEB822_FIELD, DEB822_MORE, DEB822_BLANK } kind;
	const char *name; /* of a field */
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* 1 a line, 0 the end, -1 error. No such line, an indented one where no field began, or a last line without its newline:
 * ERR_CORRUPT. in_field: whether the line before was one of a field. */
must_check int deb822_next(struct line_reader *lines, bool in_field, struct deb822_line *ret, struct err *e);
/* Letter case ignored. */
bool deb822_is(const struct deb822_line *line, const char *name);

#endif
