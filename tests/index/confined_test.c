/* The libraries that read XML, HTML and JSON, in the filter process: what they want of the system beyond memory they do without. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "parsing.h"

static const struct {
	enum document_kind kind;
	enum index_kind index;
	const char *path;
	enum err_kind fails; /* ERR_NONE: it does not */
	size_t items;
	uint64_t entries;
} rows[] = {
	{ DOCUMENT_REPOMD, INDEX_YUM, "repomd/createrepo.xml", ERR_NONE, 1, 6 },
	{ DOCUMENT_REPOMD, INDEX_YUM, "repomd/should-fail-page.xml", ERR_CORRUPT, 0, 0 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/createrepo.xml", ERR_NONE, 4, 4 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/encoding.xml", ERR_NONE, 0, 0 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/catalog.xml", ERR_NONE, 0, 0 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/should-fail-external.xml", ERR_HOSTILE, 0, 0 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/should-fail-latin1.xml", ERR_CORRUPT, 0, 0 },
	{ DOCUMENT_PRIMARY, INDEX_YUM, "primary/should-fail-cut-short.xml", ERR_CORRUPT, 0, 0 },
	{ DOCUMENT_LISTING, INDEX_HTML, "listing/python.html", ERR_NONE, 7, 7 },
	{ DOCUMENT_LISTING, INDEX_HTML, "listing/apache-table.html", ERR_NONE, 7, 7 },
	{ DOCUMENT_LISTING, INDEX_HTML, "listing/should-fail-deep.html", ERR_LIMIT, 0, 0 },
	{ DOCUMENT_BUCKET, INDEX_BUCKET, "bucket/google.xml", ERR_NONE, 5, 4 },
	{ DOCUMENT_JSON, INDEX_JSON, "json/releases.json", ERR_NONE, 3, 3 },
	{ DOCUMENT_JSON, INDEX_JSON, "bucket/google.xml", ERR_CORRUPT, 0, 0 },
};

static void set_rules(struct index_rules *rules, enum index_kind kind)
{
	struct err e;

	rules->kind = kind;
	rules->name = str_dup("main", &e);
	add_text(&rules->packages, ".*");
	if (kind != INDEX_JSON)
		return;
	rules->steps = calloc(1, sizeof(*rules->steps));
	cr_assert(rules->steps);
	rules->step_count = 1;
	rules->steps->reference = str_dup("${version}.rpm", &e);
	add_text(&rules->steps->path, "releases");
	add_text(&rules->steps->path, "*");
}

static int count_item(void *context, const struct index_item *item, struct err *e)
{
	(void)item, (void)e;
	++*(size_t *)context;
	return 0;
}

Test(confined, every_kind)
{
	char program[4096], path[256];

	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	cr_assert(n > 0);
	program[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_index_rules struct index_rules rules = { 0 };
		cleanup_buf struct buf items = { 0 };
		struct document_facts facts = { 0 };
		struct err e = { 0 };
		size_t count = 0;
		snprintf(path, sizeof(path), "tests/data/index/%s", rows[i].path);
		cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
		cr_assert_geq(fd, 0, "no %s: tests run from the project's directory", path);
		set_rules(&rules, rows[i].index);
		int rc = index_parse(program, fd, path, &rules, rows[i].kind, 0, &items, NULL, &e);
		cr_expect_eq(e.kind, rows[i].fails, "%s: %s", path, e.message);
		cr_expect_eq(rc, rows[i].fails == ERR_NONE ? 0 : -1, "%s", path);
		if (rc < 0)
			continue;
		cr_assert_eq(index_items_decode(buf_text(&items), items.len, count_item, &count, &facts, &e), 0, "%s: %s", path,
			     e.message);
		cr_expect_eq(count, rows[i].items, "%s gives %zu items", path, count);
		cr_expect_eq(facts.entries, rows[i].entries, "%s", path);
	}
}
