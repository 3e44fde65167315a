#define PCRE2_CODE_UNIT_WIDTH 8

#include "kernel/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
	PATTERN_MAX = 4096,	  /* bytes of a pattern */
	MATCH_STEPS_MAX = 100000, /* far above what a file name of 255 bytes needs in a sane pattern */
	MATCH_MEMORY_KIB = 4096,
};

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	const char *subject; /* of the last match; NULL: none */
	char text[];
};

/* As `pattern 'text'`: what PCRE2 has to say. */
static int pattern_err(struct err *e, enum err_kind kind, const char *text, int code, size_t offset)
{
	char reason[160];
	if (pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason)) < 0)
		reason[0] = '\0';
	if (offset)
		return err_set(e, kind, "pattern '%s': at offset %zu: %s", text, offset, reason);
	return err_set(e, kind, "pattern '%s': %s", text, reason);
}

static pcre2_code *compile(const char *text, struct err *e)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (!context) {
		err_no_memory(e);
		return NULL;
	}
	pcre2_set_max_pattern_length(context, PATTERN_MAX);
	int code = 0;
	PCRE2_SIZE offset = 0;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &offset, context);
	pcre2_compile_context_free(context);
	if (!compiled)
		pattern_err(e, ERR_INPUT, text, code, offset);
	return compiled;
}

int pattern_new(const char *text, struct pattern **ret, struct err *e)
{
	cleanup_of(pattern) struct pattern *p = calloc(1, sizeof(*p) + strlen(text) + 1);
	if (!p)
		return err_no_memory(e);
	memcpy(p->text, text, strlen(text) + 1);
	p->code = compile(text, e);
	if (!p->code)
		return -1;
	p->match = pcre2_match_data_create_from_pattern(p->code, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (!p->match || !p->limits)
		return err_no_memory(e);
	pcre2_set_match_limit(p->limits, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(p->limits, MATCH_MEMORY_KIB);
	*ret = steal_ptr(&p);
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->match);
	pcre2_code_free(p->code);
	free(p);
}

/* The entries of PCRE2's name table that carry this name; more than one when the pattern allows a name twice. */
static int find_entries(const struct pattern *p, const char *name, PCRE2_SPTR *first, PCRE2_SPTR *last)
{
	return pcre2_substring_nametable_scan(p->code, (PCRE2_SPTR)name, first, last);
}

bool pattern_has_capture(const struct pattern *p, const char *name)
{
	PCRE2_SPTR first, last;
	return find_entries(p, name, &first, &last) > 0;
}

int pattern_match(struct pattern *p, const char *subject, struct err *e)
{
	p->subject = NULL;
	int count = pcre2_match(p->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, p->match, p->limits);
	if (count == PCRE2_ERROR_NOMATCH)
		return 0;
	if (count < 0)
		return pattern_err(e, ERR_LIMIT, p->text, count, 0);
	p->subject = subject;
	return 1;
}

const char *pattern_capture(const struct pattern *p, const char *name, size_t *ret_len)
{
	PCRE2_SPTR first, last;
	int size = find_entries(p, name, &first, &last);
	*ret_len = 0;
	if (size <= 0 || !p->subject)
		return "";
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(p->match);
	for (PCRE2_SPTR entry = first; entry <= last; entry += size) {
		unsigned group = (unsigned)entry[0] << 8 | entry[1];
		if (offsets[2 * group] == PCRE2_UNSET)
			continue;
		*ret_len = offsets[2 * group + 1] - offsets[2 * group];
		return p->subject + offsets[2 * group];
	}
	return "";
}
