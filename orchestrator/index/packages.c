/* apt's Packages. Format: deb822(5), https://wiki.debian.org/DebianRepository/Format; Depends: deb-control(5). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "index/choice.h"
#include "index/deb822.h"
#include "index/parse.h"
#include "index/reference.h"

enum {
	LINE_MAX_BYTES = 1 << 20,
	PARAGRAPH_MAX_BYTES = 4 << 20,
	DEPENDS_MAX = 10000,
};

enum field { PACKAGE, VERSION, ARCHITECTURE, FILENAME, SIZE, SHA256, DEPENDS, FIELD_COUNT };

static const struct {
	const char *name;
	size_t len;
} fields[FIELD_COUNT] = {
#define FIELD(name)                                                                                                                \
	{                                                                                                                          \
		name, sizeof(name) - 1                                                                                             \
	}
	[PACKAGE] = FIELD("Package"),	[VERSION] = FIELD("Version"), [ARCHITECTURE] = FIELD("Architecture"),
	[FILENAME] = FIELD("Filename"), [SIZE] = FIELD("Size"),	      [SHA256] = FIELD("SHA256"),
	[DEPENDS] = FIELD("Depends"),
#undef FIELD
};

struct parser {
	const struct index_rules *rules;
	struct item_out *out;
	struct choice chosen;	 /* file names that `packages` takes */
	struct choice candidate; /* package names that `depends` takes */
	struct choice excluded;	 /* file names that `exclude` takes */
	/* the paragraph in the making */
	struct buf values[FIELD_COUNT];
	unsigned seen; /* bits of fields that it has */
	size_t bytes;
	struct buf reference;
	uint64_t entries;
};

static int parser_init(struct parser *p, const struct index_rules *rules, struct item_out *out, struct err *e)
{
	const struct index_rules depends = { .packages = rules->depends }, exclude = { .packages = rules->exclude };

	*p = (struct parser){ .rules = rules, .out = out };
	return choice_init(&p->chosen, rules, e) < 0 || choice_init(&p->candidate, &depends, e) < 0 ||
			       choice_init(&p->excluded, &exclude, e) < 0
		       ? -1
		       : 0;
}

static void parser_release(struct parser *p)
{
	choice_release(&p->chosen);
	choice_release(&p->candidate);
	choice_release(&p->excluded);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		buf_release(&p->values[i]);
	buf_release(&p->reference);
}

static bool has(const struct parser *p, enum field field)
{
	return p->seen & 1u << field;
}

/* FIELD_COUNT: none that is wanted. */
static enum field field_find(const struct deb822_line *line)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (line->name_len == fields[i].len && strncasecmp(line->name, fields[i].name, line->name_len) == 0)
			return (enum field)i;
	return FIELD_COUNT;
}

static int paragraph_err(const struct parser *p, struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "package '%.100s': %s", buf_text(&p->values[PACKAGE]), what);
}

static bool consists_of(const struct buf *text, const char *marks)
{
	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];
		if (!isascii(c) || !(isalnum((unsigned char)c) || (c && strchr(marks, c))))
			return false;
	}
	return text->len > 0;
}

/* `a (>= 1) | b:any, c [amd64]`: the names. */
static int parse_depends(const char *text, struct strv *ret, struct err *e)
{
	char name[256];

	while (*(text += strspn(text, " \t,|"))) {
		size_t len = strcspn(text, " \t,|(:[<");
		if (len == 0 || len >= sizeof(name))
			return err_set(e, ERR_CORRUPT, "Depends with something that is no name at '%.40s'", text);
		memcpy(name, text, len);
		name[len] = '\0';
		if (strv_add(ret, name, e) < 0)
			return -1;
		if (ret->len > DEPENDS_MAX)
			return err_set(e, ERR_LIMIT, "Depends with more than %d names", DEPENDS_MAX);
		text += len;
		text += strcspn(text, ",|");
	}
	return 0;
}

static int fill_checksums(struct parser *p, struct index_item *item, struct err *e)
{
	unsigned long long size;

	if (has(p, SHA256)) {
		if (digest_parse(buf_text(&p->values[SHA256]), &item->sha256, e) < 0)
			return paragraph_err(p, e, "SHA256 is no digest");
		item->digest_known = true;
	}
	if (has(p, SIZE)) {
		if (str_to_u64(buf_text(&p->values[SIZE]), INT64_MAX, &size, e) < 0)
			return paragraph_err(p, e, "Size is no number");
		item->size_known = true;
		item->size = size;
	}
	return 0;
}

static int put_package(struct parser *p, const char *path, bool chosen, struct err *e)
{
	cleanup_strv struct strv depends = { 0 };
	struct index_item item = { .is_package = true, .chosen = chosen, .from_root = true };

	if (!consists_of(&p->values[PACKAGE], "+-.") || !consists_of(&p->values[VERSION], ".+-~:"))
		return paragraph_err(p, e, "Package or Version is none");
	if (!path_is_plain(path) || strlen(buf_text(&p->values[FILENAME])) != p->values[FILENAME].len)
		return err_set(e, ERR_HOSTILE, "package '%.100s': Filename '%.200s' leads out of the archive",
			       buf_text(&p->values[PACKAGE]), path);
	if (fill_checksums(p, &item, e) < 0)
		return -1;
	if (has(p, DEPENDS) && parse_depends(buf_text(&p->values[DEPENDS]), &depends, e) < 0)
		return err_wrap(e, "package '%.100s'", buf_text(&p->values[PACKAGE]));
	buf_clear(&p->reference);
	if (reference_encode(&p->reference, REFERENCE_PATH, path, e) < 0 || reference_guard(&p->reference, 0, e) < 0)
		return -1;
	item.reference = p->reference.data;
	item.package = p->values[PACKAGE].data;
	item.version = p->values[VERSION].data;
	item.depends = depends; /* all borrowed */
	return p->out->put(p->out, &item, e);
}

static bool is_wanted_architecture(const struct parser *p)
{
	const char *architecture = buf_text(&p->values[ARCHITECTURE]);

	return strcmp(architecture, "all") == 0 || strv_has(&p->rules->architectures, architecture);
}

static int finish_paragraph(struct parser *p, struct err *e)
{
	if (!has(p, PACKAGE) || !has(p, VERSION) || !has(p, ARCHITECTURE) || !has(p, FILENAME))
		return paragraph_err(p, e, "Package, Version, Architecture and Filename are expected");
	p->entries++;
	const char *path = buf_text(&p->values[FILENAME]);
	if (str_starts(path, "./")) /* archives without a pool */
		path += 2;
	int chosen = choice_takes(&p->chosen, path_base(path), e);
	int candidate = chosen ? 0 : choice_takes(&p->candidate, buf_text(&p->values[PACKAGE]), e);
	if (chosen < 0 || candidate < 0)
		return -1;
	if (candidate) {
		int excluded = choice_takes(&p->excluded, path_base(path), e);
		if (excluded < 0)
			return -1;
		candidate = !excluded;
	}
	return (chosen || candidate) && is_wanted_architecture(p) ? put_package(p, path, chosen, e) : 0;
}

static void begin_paragraph(struct parser *p)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		buf_clear(&p->values[i]);
	p->seen = 0;
	p->bytes = 0;
}

/* *current: the wanted field that further lines belong to. */
static int take_line(struct parser *p, const struct deb822_line *line, enum field *current, struct err *e)
{
	p->bytes += line->value_len;
	if (p->bytes > PARAGRAPH_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "a paragraph of more than %d bytes", PARAGRAPH_MAX_BYTES);
	if (line->kind == DEB822_FIELD) {
		*current = field_find(line);
		if (*current == FIELD_COUNT)
			return 0;
		if (has(p, *current))
			return paragraph_err(p, e, "a field stands twice");
		p->seen |= 1u << *current;
	} else if (*current == FIELD_COUNT) {
		return 0;
	} else if (buf_puts(&p->values[*current], " ", e) < 0) {
		return -1;
	}
	return buf_append(&p->values[*current], line->value, line->value_len, e);
}

static int parse_lines(struct parser *p, struct line_reader *lines, struct err *e)
{
	enum field current = FIELD_COUNT;
	struct deb822_line line;
	bool in_field = false;
	int rc;

	while ((rc = deb822_next(lines, in_field, &line, e)) == 1) {
		if (line.kind != DEB822_BLANK) {
			if (take_line(p, &line, &current, e) < 0)
				return -1;
		} else if (in_field) {
			if (finish_paragraph(p, e) < 0)
				return err_wrap(e, "line %llu", line_reader_number(lines));
			begin_paragraph(p);
		}
		in_field = line.kind != DEB822_BLANK;
	}
	return rc == 0 && in_field ? finish_paragraph(p, e) : rc;
}

int index_parse_packages(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			 struct document_facts *ret, struct err *e)
{
	cleanup_of(line_reader) struct line_reader *lines = NULL;
	struct parser p;

	(void)level;
	int rc = parser_init(&p, rules, out, e);
	if (!rc)
		rc = line_reader_new(in, LINE_MAX_BYTES, &lines, e);
	if (!rc)
		rc = parse_lines(&p, lines, e);
	if (!rc)
		*ret = (struct document_facts){ .entries = p.entries };
	parser_release(&p);
	return rc;
}
