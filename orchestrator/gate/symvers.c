#define HASH_NONFATAL_OOM 1

#include "gate/symvers.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"

struct entry {
	UT_hash_handle hh;
	struct reference_symbol symbol;
};

struct symvers {
	char *text; /* cut into pieces, which the symbols point to */
	struct entry *entries, *by_name;
	size_t count;
};

void symvers_free(struct symvers *s)
{
	if (!s)
		return;
	HASH_CLEAR(hh, s->by_name);
	free(s->entries);
	free(s->text);
	free(s);
}

const struct reference_symbol *symvers_find(const struct symvers *s, const char *name)
{
	struct entry *entry = NULL;

	HASH_FIND_STR(s->by_name, name, entry);
	return entry ? &entry->symbol : NULL;
}

size_t symvers_count(const struct symvers *s)
{
	return s->count;
}

enum { FIELDS_MAX = 5 };

/* Gives the number of fields; what comes behind the last is left out. */
static size_t split(char *line, char *fields[FIELDS_MAX])
{
	size_t count = 0;

	for (char *at = line; at && count < FIELDS_MAX; count++)
		fields[count] = strsep(&at, "\t");
	return count;
}

static bool parse_crc(const char *text, uint32_t *ret)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0 || strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2) || strlen(text) > 10)
		return false;
	*ret = (uint32_t)strtoul(text, &end, 16);
	return end > text + 2;
}

static bool parse_line(char *line, struct reference_symbol *ret)
{
	char *fields[FIELDS_MAX] = { NULL };
	size_t count = split(line, fields);
	static const char none[] = "";

	if (count < 3 || !parse_crc(fields[0], &ret->crc) || !*fields[1])
		return false;
	bool old = count == FIELDS_MAX && str_starts(fields[4], "EXPORT_");
	const char *export = old ? fields[4] : count > 3 ? fields[3] : none;
	ret->name = fields[1];
	ret->module = old ? fields[3] : fields[2];
	ret->name_space = old ? fields[2] : count > 4 ? fields[4] : none;
	/* EXPORT_SYMBOL_GPL_FUTURE did not refuse anybody yet. */
	ret->gpl = str_ends(export, "_GPL");
	return true;
}

static int add_line(struct symvers *s, char *line, struct err *e)
{
	struct entry *entry = &s->entries[s->count], *there = NULL;

	if (!parse_line(line, &entry->symbol))
		return err_set(e, ERR_CORRUPT, "Module.symvers: line %zu makes no sense", s->count + 1);
	s->count++;
	HASH_FIND_STR(s->by_name, entry->symbol.name, there);
	if (there)
		return 0;
	HASH_ADD_KEYPTR(hh, s->by_name, entry->symbol.name, strlen(entry->symbol.name), entry);
	return entry->hh.tbl ? 0 : err_no_memory(e);
}

int symvers_parse(const char *text, size_t len, struct symvers **ret, struct err *e)
{
	cleanup_of(symvers) struct symvers *s = calloc(1, sizeof(*s));
	size_t lines = 1;

	if (!s)
		return err_no_memory(e);
	if (memchr(text, '\0', len))
		return err_set(e, ERR_CORRUPT, "Module.symvers: is no text");
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	if (lines > SYMVERS_SYMBOLS_MAX)
		return err_set(e, ERR_LIMIT, "Module.symvers: more than %d symbols", SYMVERS_SYMBOLS_MAX);
	s->text = strndup(text, len);
	s->entries = calloc(lines, sizeof(*s->entries));
	if (!s->text || !s->entries)
		return err_no_memory(e);
	char *rest = s->text, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line && add_line(s, line, e) < 0)
			return -1;
	*ret = steal_ptr(&s);
	return 0;
}
