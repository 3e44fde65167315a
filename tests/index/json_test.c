#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "parsing.h"

/* path: parts with a blank between; where: NULL, or member=pattern. */
static void add_step(struct index_rules *rules, const char *path, const char *where, const char *reference)
{
	struct err e;
	char parts[128];

	rules->steps = realloc(rules->steps, (rules->step_count + 1) * sizeof(*rules->steps));
	cr_assert(rules->steps);
	struct json_step *step = &rules->steps[rules->step_count++];
	*step = (struct json_step){ .reference = str_dup(reference, &e) };
	snprintf(parts, sizeof(parts), "%s", path);
	for (char *part = strtok(parts, " "); part; part = strtok(NULL, " "))
		add_text(&step->path, part);
	if (!where)
		return;
	step->where = calloc(1, sizeof(*step->where));
	step->where_count = 1;
	step->where->member = strndup(where, strcspn(where, "="));
	step->where->pattern = str_dup(strchr(where, '=') + 1, &e);
}

static const char releases[] = "{\"releases\": [{\"version\": \"39.1\", \"n\": 1}, {\"version\": \"40 2\", \"n\": 2}],"
			       " \"tags\": {\"v1\": {\"file\": \"a/k-1.rpm\", \"on\": true, \"f\": 1.5},"
			       "            \"v2\": {\"file\": \"k:2.rpm\", \"on\": false, \"f\": null}},"
			       " \"list\": [[\"kernel\", \"0\", \"6.1.2\", \"300.fc39\"], [\"bash\", \"0\", \"5\", \"1\"]],"
			       " \"evil\": [\"../../etc\", \"/etc\", \"a//b\", \"https://evil.example/x\", \"\"]}";

static const struct {
	const char *path, *where, *reference;
	bool last;
	int entries;
	const char *lines;
} good[] = {
	{ "releases * version", NULL, "builds/${value}/meta.json", false, 2,
	  "JSON document 5 builds/39.1/meta.json\nJSON document 5 builds/40%202/meta.json\n" },
	{ "releases *", "n=2", "https://x.example/b/${version}?n=${n}", false, 2,
	  "JSON document 5 https://x.example/b/40%202?n=2\n" },
	{ "tags @", NULL, "${value}.rpm", true, 2, "package v1.rpm\npackage v2.rpm\n" },
	{ "tags *", NULL, "${file}", true, 2, "package a/k-1.rpm\npackage k%3A2.rpm\n" },
	{ "tags *", NULL, "./${file}", true, 2, "package ./a/k-1.rpm\npackage ./k:2.rpm\n" },
	{ "tags *", "on=true", "${file}", true, 2, "package a/k-1.rpm\n" },
	/* null is no text: the condition does not hold */
	{ "tags *", "f=.*", "${f}.rpm", true, 2, "package 1.5.rpm\n" },
	{ "list *", "0=kernel", "https://koji.example/k/${2}/${3}/kernel-devel-${2}-${3}.rpm", true, 2,
	  "package https://koji.example/k/6.1.2/300.fc39/kernel-devel-6.1.2-300.fc39.rpm\n" },
	{ "list *", NULL, "kernel-${2}-excluded.rpm", true, 2, "" },
	{ "list *", NULL, "kernel-${2}.src", true, 2, "" },
	{ "releases * nothing", NULL, "${value}.rpm", true, 0, "" },
	{ "releases nothing *", NULL, "${value}.rpm", true, 0, "" },
	{ "nothing", NULL, "${value}.rpm", true, 0, "" },
	{ "releases 0 version deeper", NULL, "${value}.rpm", true, 0, "" },
};

static void set_rules(struct index_rules *rules, unsigned level, const char *path, const char *where, const char *reference,
		      bool last)
{
	for (unsigned i = 0; i < level; i++)
		add_step(rules, "x", NULL, "${value}");
	add_step(rules, path, where, reference);
	if (!last)
		add_step(rules, "x", NULL, "${value}");
	add_text(&rules->packages, ".*\\.rpm");
	add_text(&rules->exclude, ".*-excluded.*");
}

Test(json, good)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
		cleanup_parsed struct parsed p = { 0 };
		set_rules(&rules, 4, good[i].path, good[i].where, good[i].reference, good[i].last);
		parse_bytes(index_parse_json, &rules, 4, releases, sizeof(releases) - 1, i % 3, &p);
		cr_expect_eq(p.rc, 0, "row %zu: %s", i, p.e.message);
		cr_expect_str_eq(buf_text(&p.lines), good[i].lines, "row %zu gives\n%s", i, buf_text(&p.lines));
		cr_expect_eq(p.facts.entries, (uint64_t)good[i].entries, "row %zu: %d entries", i, (int)p.facts.entries);
	}
}

static const struct {
	const char *path, *reference;
	enum err_kind kind;
	const char *message;
} bad[] = {
	{ "releases *", "${value}.rpm", ERR_CORRUPT, "no text or number 'value'" },
	{ "releases *", "${version}-${missing}.rpm", ERR_CORRUPT, "no text or number 'missing'" },
	{ "tags *", "${f}.rpm", ERR_CORRUPT, "no text or number 'f'" },
	{ "list *", "${9}.rpm", ERR_CORRUPT, "no text or number '9'" },
	{ "list *", "${-1}.rpm", ERR_CORRUPT, "no text or number '-1'" },
	{ "evil *", "https://good.example/${value}", ERR_HOSTILE, "'../../etc', which is no plain path" },
	{ "list *", "${0", ERR_INPUT, "'${' without '}'" },
	{ "list *", "${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}${0}.rpm", ERR_LIMIT, "more than 16 holes" },
};

Test(json, bad)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
		cleanup_parsed struct parsed p = { 0 };
		set_rules(&rules, 0, bad[i].path, NULL, bad[i].reference, true);
		parse_bytes(index_parse_json, &rules, 0, releases, sizeof(releases) - 1, 0, &p);
		cr_expect_eq(p.rc, -1, "row %zu passes", i);
		cr_expect_eq(p.e.kind, bad[i].kind, "row %zu: %s", i, p.e.message);
		cr_expect(strstr(p.e.message, bad[i].message), "row %zu: %s", i, p.e.message);
	}
}

Test(json, hostile_values)
{
	static const char *const values[] = { "../x", "/x", "//evil.example/x", "https://evil.example/x", "a/./b", "", "a/" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
		cleanup_parsed struct parsed p = { 0 };
		char text[64];
		set_rules(&rules, 0, "*", NULL, "${value}", true);
		snprintf(text, sizeof(text), "[\"%s\"]", values[i]);
		parse_bytes(index_parse_json, &rules, 0, text, strlen(text), 0, &p);
		cr_expect_eq(p.rc, -1, "'%s' passes", values[i]);
		cr_expect_eq(p.e.kind, ERR_HOSTILE, "'%s': %s", values[i], p.e.message);
	}
}

Test(json, no_json)
{
	static const char *const texts[] = {
		"", "{", "<html></html>", "{\"a\": 1, \"a\": 2}", "{} {}", "[\"\\u0000\"]", "[\"\xff\"]", "nothing",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
		cleanup_parsed struct parsed p = { 0 };
		set_rules(&rules, 0, "*", NULL, "${value}", true);
		parse_bytes(index_parse_json, &rules, 0, texts[i], strlen(texts[i]), 0, &p);
		cr_expect_eq(p.rc, -1, "'%s' passes", texts[i]);
		cr_expect_eq(p.e.kind, ERR_CORRUPT, "'%s': %s", texts[i], p.e.message);
	}
	for (size_t len = 0; len < sizeof(releases) - 1; len++) {
		cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
		cleanup_parsed struct parsed p = { 0 };
		set_rules(&rules, 0, "*", NULL, "x", true);
		parse_bytes(index_parse_json, &rules, 0, releases, len, 0, &p);
		cr_expect_eq(p.e.kind, ERR_CORRUPT, "the first %zu bytes: %s", len, p.e.message);
	}
}

Test(json, too_large_or_too_deep)
{
	enum { SIZE = 65 << 20 };
	cleanup_index_rules struct index_rules rules = { .kind = INDEX_JSON };
	cleanup_parsed struct parsed large = { 0 }, deep = { 0 };
	cleanup_free char *bytes = malloc(SIZE);

	cr_assert(bytes);
	set_rules(&rules, 0, "*", NULL, "x", true);
	memset(bytes, ' ', SIZE);
	parse_bytes(index_parse_json, &rules, 0, bytes, SIZE, 0, &large);
	cr_expect_eq(large.e.kind, ERR_LIMIT, "%s", large.e.message);
	memset(bytes, '[', 1 << 20);
	parse_bytes(index_parse_json, &rules, 0, bytes, 1 << 20, 0, &deep);
	cr_expect_eq(deep.e.kind, ERR_CORRUPT, "%s", deep.e.message);
}

Test(json, no_such_step)
{
	const struct index_rules rules = { 0 };
	cleanup_parsed struct parsed p = { 0 };

	parse_bytes(index_parse_json, &rules, 0, "{}", 2, 0, &p);
	cr_expect_eq(p.e.kind, ERR_INPUT, "%s", p.e.message);
}
