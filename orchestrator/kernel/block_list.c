#include "kernel/block_list.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernel/block_note.h"
#include "kernel/findings.h"
#include "kernel/lines.h"
#include "kernel/pattern.h"

enum { FIELD_KERNEL, FIELD_VERSION, FIELD_KIND, FIELD_COUNT };

struct block_field {
	enum { MATCH_ANY, MATCH_TEXT, MATCH_GLOB, MATCH_PATTERN } how;
	char *text;
	struct pattern *pattern; /* MATCH_PATTERN */
};

/* What stands behind a rule of the same number. */
struct matcher {
	struct block_field fields[FIELD_COUNT];
	bool kinds[KIND_COUNT]; /* what the last field comes to */
};

struct block_list {
	char *name;
	struct block_rule *rules;
	struct matcher *matchers;
	size_t count, room;
};

static void field_release(struct block_field *field)
{
	free(field->text);
	pattern_free(field->pattern);
}

void block_list_free(struct block_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++) {
		free(list->rules[i].text);
		free(list->rules[i].reason);
		free(list->rules[i].expires);
		for (int f = 0; f < FIELD_COUNT; f++)
			field_release(&list->matchers[i].fields[f]);
	}
	free(list->rules);
	free(list->matchers);
	free(list->name);
	free(list);
}

static int field_make(struct block_field *field, const char *text, size_t len, struct err *e)
{
	field->text = strndup(text, len);
	if (!field->text)
		return err_no_memory(e);
	field->how = strcmp(field->text, "*") == 0   ? MATCH_ANY
		     : field->text[0] == '~'	     ? MATCH_PATTERN
		     : strpbrk(field->text, "*?[\\") ? MATCH_GLOB
						     : MATCH_TEXT;
	return field->how == MATCH_PATTERN ? pattern_new(field->text + 1, &field->pattern, e) : 0;
}

/* 1 matches, 0 does not, -1 the pattern gave up. */
static int field_matches(const struct block_field *field, const char *subject, struct err *e)
{
	switch (field->how) {
	case MATCH_ANY:
		return 1;
	case MATCH_TEXT:
		return strcmp(field->text, subject) == 0;
	case MATCH_GLOB:
		return fnmatch(field->text, subject, 0) == 0;
	default:
		return pattern_match(field->pattern, subject, e);
	}
}

/* --- reading --- */

struct block_parser {
	struct block_list *list;
	struct block_note above; /* what the comment lines right above say */
	bool in_comments;	 /* the line before was a comment line */
	struct findings findings;
};

static int make_room(struct block_list *list, struct err *e)
{
	if (list->count < list->room)
		return 0;
	size_t room = list->room ? 2 * list->room : 64;
	struct block_rule *rules = reallocarray(list->rules, room, sizeof(*rules));
	if (rules)
		list->rules = rules;
	struct matcher *matchers = rules ? reallocarray(list->matchers, room, sizeof(*matchers)) : NULL;
	if (!matchers)
		return err_no_memory(e);
	list->matchers = matchers;
	list->room = room;
	return 0;
}

/* The rule's own fields; *e without place. */
static int read_fields(const char *text, struct matcher *m, struct err *e)
{
	static const char blanks[] = " \t";
	size_t count = 0;

	for (const char *at = text; *at; at += strspn(at, blanks)) {
		size_t len = strcspn(at, blanks);
		if (count == FIELD_COUNT)
			return err_set(e, ERR_INPUT, "expected at most three fields, `<kernel> [<module-version>] [<kind>]`");
		if (field_make(&m->fields[count++], at, len, e) < 0)
			return -1;
		at += len;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *name = kind_name((enum probe_kind_id)kind);
		const struct block_field *version = &m->fields[FIELD_VERSION];
		if (version->how == MATCH_TEXT && strcmp(version->text, name) == 0)
			return err_set(e, ERR_INPUT, "'%s' stands where the module version belongs; write `* %s` for all versions",
				       name, name);
		int matches = field_matches(&m->fields[FIELD_KIND], name, e);
		if (matches < 0)
			return -1;
		m->kinds[kind] = matches;
	}
	if (!m->kinds[KIND_MOD] && !m->kinds[KIND_BPF])
		return err_set(e, ERR_INPUT, "the kind '%s' is neither '%s' nor '%s'", m->fields[FIELD_KIND].text,
			       kind_name(KIND_MOD), kind_name(KIND_BPF));
	return 0;
}

static int copy_note(const struct block_note *from, struct block_note *to, struct err *e)
{
	if (from->reason && !(to->reason = str_dup(from->reason, e)))
		return -1;
	return from->expires && !(to->expires = str_dup(from->expires, e)) ? -1 : 0;
}

/* *e without place. What was made of a bad rule stays in the list, which is thrown away then. */
static int add_rule(struct block_parser *p, const struct line *line, struct err *e)
{
	struct block_list *list = p->list;
	cleanup_block_note struct block_note note = { 0 };

	if (make_room(list, e) < 0)
		return -1;
	struct block_rule *rule = &list->rules[list->count];
	struct matcher *m = &list->matchers[list->count++];
	*rule = (struct block_rule){ .line = line->number, .text = strndup(line->text, line->len) };
	*m = (struct matcher){ 0 };
	if (!rule->text)
		return err_no_memory(e);
	const char *behind = line->text + line->len;
	if (read_fields(rule->text, m, e) < 0 || copy_note(&p->above, &note, e) < 0 ||
	    block_note_read(behind, (size_t)(line->raw + line->raw_len - behind), &note, e) < 0)
		return -1;
	rule->reason = steal_ptr(&note.reason);
	rule->expires = steal_ptr(&note.expires);
	return 0;
}

static int take_line(struct block_parser *p, const struct line *line, struct err *e)
{
	const char *text = line->raw;
	size_t len = line->raw_len;

	if (line->problem)
		return err_set(e, ERR_INPUT, "%s", line->problem);
	if (line->len) {
		p->in_comments = false;
		return add_rule(p, line, e);
	}
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	/* A new block of comment lines, or a blank line, ends what the last one said. */
	if (!len || !p->in_comments)
		block_note_release(&p->above);
	p->in_comments = len;
	return block_note_read(text, len, &p->above, e);
}

static int parse_lines(struct block_parser *p, const char *text, size_t len, struct err *e)
{
	struct line_reader lines = { .at = text, .end = text + len, .loose = true };
	struct line line;

	while (line_next(&lines, &line)) {
		struct err problem = { 0 };
		if (take_line(p, &line, &problem) == 0)
			continue;
		if (problem.kind != ERR_INPUT && problem.kind != ERR_LIMIT) {
			if (e)
				*e = problem;
			return -1;
		}
		if (findings_add(&p->findings, line.number, e, "%s", problem.message) < 0)
			return -1;
	}
	return findings_end(&p->findings, e);
}

int block_list_parse(const char *text, size_t len, const char *name, struct block_list **ret, struct strv *findings, struct err *e)
{
	cleanup_of(block_list) struct block_list *list = calloc(1, sizeof(*list));

	if (!list)
		return err_no_memory(e);
	list->name = str_dup(name, e);
	if (!list->name)
		return -1;
	struct block_parser p = { .list = list, .findings = { .name = name, .texts = findings } };
	int result = parse_lines(&p, text, len, e);
	block_note_release(&p.above);
	if (result < 0)
		return -1;
	*ret = steal_ptr(&list);
	return 0;
}

int block_list_load(const char *path, struct block_list **ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (file_read(path, BLOCK_LIST_MAX_BYTES, &text, e) < 0)
		return -1;
	return block_list_parse(buf_text(&text), text.len, path, ret, findings, e);
}

/* --- use --- */

const struct block_rule *block_list_rules(const struct block_list *list, size_t *ret_count)
{
	*ret_count = list ? list->count : 0;
	return list ? list->rules : NULL;
}

const char *block_list_name(const struct block_list *list)
{
	return list->name;
}

static int apply_rule(struct block_list *list, size_t i, const char *kernel, const char *module_version,
		      const bool kinds[KIND_COUNT], const struct block_rule *ret[KIND_COUNT], struct err *e)
{
	struct block_rule *rule = &list->rules[i];
	const struct matcher *m = &list->matchers[i];

	int matches = field_matches(&m->fields[FIELD_KERNEL], kernel, e);
	if (matches <= 0)
		return matches;
	rule->kernels++;
	matches = field_matches(&m->fields[FIELD_VERSION], module_version, e);
	for (int kind = 0; matches > 0 && kind < KIND_COUNT; kind++) {
		if (!kinds[kind] || !m->kinds[kind])
			continue;
		rule->hits++;
		if (!ret[kind])
			ret[kind] = rule;
	}
	return matches < 0 ? -1 : 0;
}

int block_list_apply(struct block_list *list, const char *kernel, const char *module_version, const bool kinds[KIND_COUNT],
		     const struct block_rule *ret[KIND_COUNT], struct err *e)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		ret[kind] = NULL;
	for (size_t i = 0; list && i < list->count; i++)
		if (apply_rule(list, i, kernel, module_version, kinds, ret, e) < 0)
			return err_wrap(e, "%s:%u", list->name, list->rules[i].line);
	return 0;
}

bool block_rule_is_expired(const struct block_rule *rule, const char *today)
{
	return rule->expires && strcmp(rule->expires, today) < 0;
}

char *block_rule_describe(const struct block_list *list, const struct block_rule *rule, struct err *e)
{
	const char *reason = rule->reason;

	return str_printf(e, "%s:%u: %s%s%s%s", path_base(list->name), rule->line, rule->text, reason ? " (" : "",
			  reason ? reason : "", reason ? ")" : "");
}

int block_list_expired(const struct block_list *list, const char *today, struct strv *ret, struct err *e)
{
	for (size_t i = 0; list && i < list->count; i++) {
		const struct block_rule *rule = &list->rules[i];
		if (!block_rule_is_expired(rule, today))
			continue;
		char *text = str_printf(e, "%s:%u: the rule '%s' expired on %s; it still blocks", list->name, rule->line,
					rule->text, rule->expires);
		if (strv_take(ret, text, e) < 0)
			return -1;
	}
	return 0;
}

int block_list_unused(const struct block_list *list, struct strv *ret, struct err *e)
{
	for (size_t i = 0; list && i < list->count; i++) {
		const struct block_rule *rule = &list->rules[i];
		if (rule->kernels)
			continue;
		char *text = str_printf(e, "%s:%u: the rule '%s' matches none of the kernels", list->name, rule->line, rule->text);
		if (strv_take(ret, text, e) < 0)
			return -1;
	}
	return 0;
}
