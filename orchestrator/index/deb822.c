#include "index/deb822.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void set_value(struct deb822_line *line, const char *text, size_t len)
{
	while (len && is_blank(*text)) {
		text++;
		len--;
	}
	while (len && is_blank(text[len - 1]))
		len--;
	line->value = text;
	line->value_len = len;
}

static bool starts_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int foreign_line(const struct line_reader *lines, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "line %llu is none of a control file", line_reader_number(lines));
}

int deb822_next(struct line_reader *lines, bool in_field, struct deb822_line *ret, struct err *e)
{
	const char *text, *colon;
	size_t len;

	int rc = line_reader_next(lines, &text, &len, e);
	if (rc <= 0)
		return rc;
	if (line_reader_is_cut(lines))
		return err_set(e, ERR_CORRUPT, "ends in the middle of line %llu", line_reader_number(lines));
	if (len && starts_name(*text)) {
		colon = memchr(text, ':', len);
		if (!colon || memchr(text, ' ', (size_t)(colon - text)))
			return foreign_line(lines, e);
		ret->kind = DEB822_FIELD;
		ret->name = text;
		ret->name_len = (size_t)(colon - text);
		set_value(ret, colon + 1, len - ret->name_len - 1);
		return 1;
	}
	if (len && !is_blank(*text))
		return foreign_line(lines, e);
	set_value(ret, text, len);
	ret->kind = ret->value_len ? DEB822_MORE : DEB822_BLANK;
	return ret->kind == DEB822_MORE && !in_field ? foreign_line(lines, e) : 1;
}

bool deb822_is(const struct deb822_line *line, const char *name)
{
	return line->name_len == strlen(name) && strncasecmp(line->name, name, line->name_len) == 0;
}
