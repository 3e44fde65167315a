#include "kernel/lines.h"

#include <string.h>

#include "base/cleanup.h"
#include "kernel/list.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *bytes_problem(const char *text, size_t len)
{
	if (len > KERNEL_LIST_MAX_LINE)
		return "longer than 2048 bytes";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\r')
			return "ends in CR LF; lines end in LF alone";
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return "has a control byte in it";
	}
	return NULL;
}

/* Where the comment starts: `#` first in the line or after a blank. */
static size_t comment_start(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '#' && (i == 0 || is_blank(text[i - 1])))
			return i;
	return len;
}

static const char *strip(struct line *line, const char *text, size_t len, bool loose)
{
	const char *problem = bytes_problem(text, len);
	if (problem)
		return problem;
	size_t comment = comment_start(text, len), end = comment;
	while (end > 0 && is_blank(text[end - 1]))
		end--;
	if (end == 0)
		return comment < len || loose ? NULL : "blank line; remove it";
	if (is_blank(text[0]) && !loose)
		return "starts with a blank";
	if (comment == len && end < len && !loose)
		return "has blanks at its end";
	for (; is_blank(*text); text++)
		end--;
	line->text = text;
	line->len = end;
	return NULL;
}

int line_next(struct line_reader *r, struct line *ret)
{
	if (r->at == r->end)
		return 0;
	const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	const char *end = newline ? newline : r->end;
	*ret = (struct line){ .number = ++r->number, .raw = r->at, .raw_len = (size_t)(end - r->at) };
	ret->problem = strip(ret, r->at, (size_t)(end - r->at), r->loose);
	r->at = newline ? newline + 1 : r->end;
	return 1;
}

static const struct {
	const char *prefix;
	bool host; /* something must stand between prefix and path */
} schemes[] = { { "http://", true }, { "https://", true }, { "file:///", false } };

static const char *path_problem(const char *path, const char *end)
{
	const char *path_end = path;
	while (path_end < end && *path_end != '?')
		path_end++;
	return path_end[-1] == '/' ? "the URL names no file" : NULL;
}

static const char *characters_problem(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (is_blank(text[i]))
			return "a URL has no blanks in it";
		if (c > 0x7e)
			return "a URL has no bytes above 0x7e; percent-encode them";
		if (strchr("#\"<>\\^`{|}", c))
			return "a character that a URL can't have; percent-encode it";
	}
	return NULL;
}

const char *url_problem(const char *text, size_t len)
{
	if (len > KERNEL_URL_MAX)
		return "a URL longer than 1900 bytes";
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t prefix = strlen(schemes[i].prefix);
		if (len < prefix || memcmp(text, schemes[i].prefix, prefix) != 0)
			continue;
		const char *problem = characters_problem(text, len);
		if (problem)
			return problem;
		if (!schemes[i].host)
			return path_problem(text + prefix, text + len);
		const char *slash = memchr(text + prefix, '/', len - prefix);
		if (!slash)
			return "the URL names no file";
		if (slash == text + prefix)
			return "the URL has no host";
		return path_problem(slash + 1, text + len);
	}
	return "not an http, https or file URL";
}
