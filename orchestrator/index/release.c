/* apt's Release. Format: https://wiki.debian.org/DebianRepository/Format. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "index/date.h"
#include "index/deb822.h"
#include "index/parse.h"
#include "index/reference.h"

enum { LINE_MAX_BYTES = 64 * 1024, SHORT_TEXT_MAX = 128 };

/* Best first: what costs the least to carry. */
static const char *const endings[] = { ".xz", ".zst", ".gz", ".bz2", "" };

/* The Packages of one component and architecture. */
struct wanted {
	const char *component, *architecture;
	bool component_seen;
	size_t ending; /* of the best that is listed; ARRAY_LEN(endings): none */
	struct digest sha256;
	uint64_t size;
};

struct release {
	struct wanted *wanted;
	size_t count;
	bool by_hash, sums_seen;
	int64_t valid_until;
};

static int release_init(struct release *r, const struct index_rules *rules, struct err *e)
{
	*r = (struct release){ .count = rules->components.len * rules->architectures.len };
	r->wanted = calloc(r->count ? r->count : 1, sizeof(*r->wanted));
	if (!r->wanted)
		return err_no_memory(e);
	for (size_t i = 0; i < r->count; i++)
		r->wanted[i] = (struct wanted){ .component = rules->components.items[i / rules->architectures.len],
						.architecture = rules->architectures.items[i % rules->architectures.len],
						.ending = ARRAY_LEN(endings) };
	return 0;
}

/* What is left of *text behind prefix. */
static bool skip(const char **text, size_t *len, const char *prefix)
{
	size_t n = strlen(prefix);

	if (*len < n || memcmp(*text, prefix, n) != 0)
		return false;
	*text += n;
	*len -= n;
	return true;
}

/* The ending of `COMPONENT/binary-ARCHITECTURE/Packages` with one; ARRAY_LEN(endings): it is another file. */
static size_t ending_of(struct wanted *w, const char *path, size_t len)
{
	size_t i = ARRAY_LEN(endings);

	if (!skip(&path, &len, w->component) || !skip(&path, &len, "/"))
		return i;
	w->component_seen = true;
	if (skip(&path, &len, "binary-") && skip(&path, &len, w->architecture) && skip(&path, &len, "/Packages"))
		for (i = 0; i < ARRAY_LEN(endings); i++)
			if (len == strlen(endings[i]) && memcmp(path, endings[i], len) == 0)
				break;
	return i;
}

/* The next word of *text. */
static const char *word(const char **text, size_t *left, size_t *ret_len)
{
	while (*left && (**text == ' ' || **text == '\t')) {
		++*text;
		--*left;
	}
	const char *start = *text;
	while (*left && **text != ' ' && **text != '\t') {
		++*text;
		--*left;
	}
	*ret_len = (size_t)(*text - start);
	return start;
}

static int parse_sum(const char *hash, size_t hash_len, const char *size, size_t size_len, struct wanted *w, struct err *e)
{
	char text[SHORT_TEXT_MAX];
	unsigned long long number;

	if (hash_len != DIGEST_HEX || size_len >= sizeof(text))
		return err_set(e, ERR_CORRUPT, "a line below SHA256 has no digest and size");
	memcpy(text, hash, hash_len);
	text[hash_len] = '\0';
	if (digest_parse(text, &w->sha256, e) < 0)
		return err_set(e, ERR_CORRUPT, "a line below SHA256 has no digest");
	memcpy(text, size, size_len);
	text[size_len] = '\0';
	if (str_to_u64(text, INT64_MAX, &number, e) < 0)
		return err_set(e, ERR_CORRUPT, "a line below SHA256 has no size");
	w->size = number;
	return 0;
}

/* ` DIGEST SIZE PATH` */
static int take_sum(struct release *r, const char *text, size_t len, struct err *e)
{
	size_t hash_len, size_len, path_len, rest_len;
	const char *hash = word(&text, &len, &hash_len), *size = word(&text, &len, &size_len);
	const char *path = word(&text, &len, &path_len);

	word(&text, &len, &rest_len);
	if (path_len == 0 || rest_len)
		return err_set(e, ERR_CORRUPT, "a line below SHA256 is not of three words");
	for (size_t i = 0; i < r->count; i++) {
		struct wanted *w = &r->wanted[i];
		size_t ending = ending_of(w, path, path_len);
		if (ending >= w->ending)
			continue;
		if (parse_sum(hash, hash_len, size, size_len, w, e) < 0)
			return -1;
		w->ending = ending;
	}
	return 0;
}

static int take_date(struct release *r, const struct deb822_line *line, struct err *e)
{
	char text[SHORT_TEXT_MAX] = "";

	if (line->value_len < sizeof(text))
		memcpy(text, line->value, line->value_len);
	return date_parse(text, &r->valid_until, e) < 0 ? err_wrap(e, "Valid-Until") : 0;
}

static int take_field(struct release *r, const struct deb822_line *line, bool *in_sums, struct err *e)
{
	*in_sums = deb822_is(line, "SHA256");
	if (*in_sums) {
		r->sums_seen = true;
		return line->value_len ? take_sum(r, line->value, line->value_len, e) : 0;
	}
	if (deb822_is(line, "Acquire-By-Hash"))
		r->by_hash = line->value_len == 3 && strncasecmp(line->value, "yes", 3) == 0;
	return deb822_is(line, "Valid-Until") ? take_date(r, line, e) : 0;
}

static int read_lines(struct release *r, struct line_reader *lines, struct err *e)
{
	bool in_field = false, in_sums = false, over = false;
	struct deb822_line line;
	int rc;

	while ((rc = deb822_next(lines, in_field, &line, e)) == 1) {
		if (line.kind == DEB822_BLANK) {
			over = over || in_field;
			in_field = false;
			continue;
		}
		if (over)
			return err_set(e, ERR_CORRUPT, "more than one paragraph");
		in_field = true;
		if (line.kind == DEB822_FIELD ? take_field(r, &line, &in_sums, e) < 0
					      : in_sums && take_sum(r, line.value, line.value_len, e) < 0)
			return err_wrap(e, "line %llu", line_reader_number(lines));
	}
	return rc;
}

static int put(const struct release *r, const struct wanted *w, struct item_out *out, struct err *e)
{
	cleanup_buf struct buf dir = { 0 };
	cleanup_index_item struct index_item item = {
		.document = DOCUMENT_PACKAGES, .digest_known = true, .sha256 = w->sha256, .size_known = true, .size = w->size
	};
	char hex[DIGEST_HEX + 1];

	digest_hex(&w->sha256, hex);
	if (reference_encode(&dir, REFERENCE_PATH, w->component, e) < 0 || buf_puts(&dir, "/binary-", e) < 0 ||
	    reference_encode(&dir, REFERENCE_PATH, w->architecture, e) < 0)
		return -1;
	item.reference = str_printf(e, "%s/Packages%s", buf_text(&dir), endings[w->ending]);
	if (!item.reference)
		return -1;
	if (r->by_hash && !(item.by_hash = str_printf(e, "%s/by-hash/SHA256/%s", buf_text(&dir), hex)))
		return -1;
	return out->put(out, &item, e);
}

static int put_all(const struct release *r, struct item_out *out, struct err *e)
{
	if (!r->sums_seen)
		return err_set(e, ERR_CORRUPT, "no SHA256: not a Release file");
	for (size_t i = 0; i < r->count; i++) {
		const struct wanted *w = &r->wanted[i];
		if (!w->component_seen)
			return err_set(e, ERR_CORRUPT, "component '%s' is not in this archive", w->component);
		if (w->ending == ARRAY_LEN(endings))
			return err_set(e, ERR_CORRUPT, "architecture '%s' is not in component '%s' of this archive",
				       w->architecture, w->component);
	}
	for (size_t i = 0; i < r->count; i++)
		if (put(r, &r->wanted[i], out, e) < 0)
			return -1;
	return 0;
}

int index_parse_release(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			struct document_facts *ret, struct err *e)
{
	cleanup_of(line_reader) struct line_reader *lines = NULL;
	struct release r;

	(void)level;
	if (release_init(&r, rules, e) < 0)
		return -1;
	int rc = line_reader_new(in, LINE_MAX_BYTES, &lines, e);
	if (!rc)
		rc = read_lines(&r, lines, e);
	if (!rc)
		rc = put_all(&r, out, e);
	if (!rc)
		*ret = (struct document_facts){ .valid_until = r.valid_until, .entries = r.count };
	free(r.wanted);
	return rc;
}
