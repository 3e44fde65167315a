#include "index/armor.h"

#include <stdbool.h>
#include <string.h>

static const char message_begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
static const char signature_begin[] = "-----BEGIN PGP SIGNATURE-----";
static const char signature_end[] = "-----END PGP SIGNATURE-----";
static const char keys_begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
static const char keys_end[] = "-----END PGP PUBLIC KEY BLOCK-----";

/* What is left of a text. */
struct lines {
	const char *at, *end;
};

/* The next line without newline and without blanks at its end. */
static bool next_line(struct lines *lines, const char **ret, size_t *ret_len)
{
	if (lines->at == lines->end)
		return false;
	const char *start = lines->at, *newline = memchr(start, '\n', (size_t)(lines->end - start));
	const char *stop = newline ? newline : lines->end;

	lines->at = newline ? newline + 1 : lines->end;
	while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
		stop--;
	*ret = start;
	*ret_len = (size_t)(stop - start);
	return true;
}

static bool is(const char *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

static bool starts(const char *line, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

/* The message's beginning, up to the empty line before its text. */
static int skip_head(struct lines *lines, struct err *e)
{
	const char *line;
	size_t len;

	if (!next_line(lines, &line, &len) || !is(line, len, message_begin))
		return err_set(e, ERR_CORRUPT, "is not signed");
	while (next_line(lines, &line, &len)) {
		if (len == 0)
			return 0;
		if (!starts(line, len, "Hash:"))
			return err_set(e, ERR_CORRUPT, "signed text with an unknown header");
	}
	return err_set(e, ERR_CORRUPT, "signed text is cut short");
}

/* The text, up to the line at which the signature begins. */
static int take_text(struct lines *lines, struct buf *ret, struct err *e)
{
	bool first = true;
	const char *line;
	size_t len;

	for (; next_line(lines, &line, &len); first = false) {
		if (is(line, len, signature_begin))
			return 0;
		if (starts(line, len, "- ")) {
			line += 2;
			len -= 2;
		} else if (starts(line, len, "-")) {
			return err_set(e, ERR_CORRUPT, "signed text with a line that should have been escaped");
		}
		if ((!first && buf_puts(ret, "\n", e) < 0) || buf_append(ret, line, len, e) < 0)
			return -1;
	}
	return err_set(e, ERR_CORRUPT, "signed text is cut short");
}

/* The rest: one armored signature and no more. */
static int take_signature(struct lines *lines, struct buf *ret, struct err *e)
{
	bool ended = false;
	const char *line;
	size_t len;

	if (buf_puts(ret, signature_begin, e) < 0 || buf_puts(ret, "\n", e) < 0)
		return -1;
	while (next_line(lines, &line, &len)) {
		if (ended ? len > 0 : starts(line, len, "-") && !is(line, len, signature_end))
			return err_set(e, ERR_CORRUPT, "something stands behind the signature");
		if (buf_append(ret, line, len, e) < 0 || buf_puts(ret, "\n", e) < 0)
			return -1;
		ended = ended || is(line, len, signature_end);
	}
	return ended ? 0 : err_set(e, ERR_CORRUPT, "signature is cut short");
}

int armor_split_signed(const char *text, size_t len, struct buf *ret_text, struct buf *ret_signature, struct err *e)
{
	struct lines lines = { text, text + len };

	return skip_head(&lines, e) < 0 || take_text(&lines, ret_text, e) < 0 || take_signature(&lines, ret_signature, e) < 0 ? -1
															      : 0;
}

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Base64 without its line ends; *bits and *count: what is left over of the line before. */
static int take_base64(const char *line, size_t len, unsigned *bits, unsigned *count, struct buf *ret, struct err *e)
{
	if (buf_reserve(ret, len, e) < 0)
		return -1;
	for (size_t i = 0; i < len && line[i] != '='; i++) {
		int value = base64_value(line[i]);
		if (value < 0)
			return err_set(e, ERR_INPUT, "armored keys are damaged");
		*bits = (*bits << 6 | (unsigned)value) & 0xffff;
		*count += 6;
		if (*count < 8)
			continue;
		*count -= 8;
		ret->data[ret->len++] = (char)(*bits >> *count);
	}
	ret->data[ret->len] = '\0';
	return 0;
}

/* One block, behind its first line. */
static int take_block(struct lines *lines, struct buf *ret, struct err *e)
{
	unsigned bits = 0, count = 0;
	bool body = false, ended = false;
	const char *line;
	size_t len;

	while (!ended && next_line(lines, &line, &len)) {
		ended = is(line, len, keys_end);
		if (!body) {
			/* Headers like `Version: x`, then an empty line; some write neither. */
			body = len == 0 || !memchr(line, ':', len);
			if (!body || len == 0)
				continue;
		}
		/* A line that begins with `=` holds the checksum, which says nothing that the packets' own digests don't. */
		if (!ended && take_base64(line, len, &bits, &count, ret, e) < 0)
			return -1;
	}
	return ended ? 0 : err_set(e, ERR_INPUT, "armored keys are cut short");
}

int armor_decode_keys(const char *text, size_t len, struct buf *ret, struct err *e)
{
	struct lines lines = { text, text + len };
	bool found = false;
	const char *line;
	size_t line_len;

	while (next_line(&lines, &line, &line_len)) {
		if (!is(line, line_len, keys_begin))
			continue;
		if (take_block(&lines, ret, e) < 0)
			return -1;
		found = true;
	}
	return found ? 0 : err_set(e, ERR_INPUT, "holds no public keys");
}
