#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

void place_make(struct place *p)
{
	temp_dir_make(&p->dir);
	snprintf(p->path, sizeof(p->path), "%s/cache/ledger.sqlite", p->dir.path);
}

void place_remove(struct place *p)
{
	temp_dir_remove(&p->dir);
}

struct ledger *open_ledger(const struct place *p)
{
	struct err e = { 0 };
	struct ledger *l = NULL;

	cr_assert_eq(ledger_open(p->path, &l, &e), 0, "%s", e.message);
	return l;
}

struct digest digest_of_text(const char *text)
{
	struct err e;
	struct digest d;

	cr_assert_eq(digest_of(text, strlen(text), &d, &e), 0);
	return d;
}

void put_document(struct ledger *l, const char *url, const char *rules, const char *items, int64_t now)
{
	struct err e = { 0 };
	struct digest key = digest_of_text(rules);
	const struct ledger_document d = {
		.sha256 = digest_of_text(items),
		.size = strlen(items),
		.items = { .data = (char *)items, .len = strlen(items) },
	};

	cr_assert_eq(ledger_document_put(l, url, &key, &d, now, &e), 0, "%s", e.message);
}

char *get_document(struct ledger *l, const char *url, const char *rules, int64_t now)
{
	struct err e = { 0 };
	struct digest key = digest_of_text(rules);
	cleanup_ledger_document struct ledger_document d = { 0 };

	int got = ledger_document_get(l, url, &key, now, &d, &e);
	cr_assert_geq(got, 0, "%s", e.message);
	return got ? str_dup(buf_text(&d.items), &e) : NULL;
}

void record(struct ledger *l, const char *indexes, int64_t now, const char *const *seen)
{
	struct err e = { 0 };
	cleanup_strv struct strv names = { 0 };
	struct sighting all[32];
	char words[32][128], list[128];
	size_t n = 0;

	snprintf(list, sizeof(list), "%s", indexes);
	for (char *word = strtok(list, " "); word; word = strtok(NULL, " "))
		cr_assert_eq(strv_add(&names, word, &e), 0);
	for (; seen[n]; n++) {
		snprintf(words[n], sizeof(words[n]), "%s", seen[n]);
		char *url = strchr(words[n], ' ');
		*url++ = '\0';
		all[n] = (struct sighting){ .url = url, .index = words[n], .digest_known = true, .size_known = true, .size = 7 };
		all[n].sha256 = digest_of_text(url);
	}
	cr_assert_eq(ledger_record(l, "d", &names, all, n, now, &e), 0, "%s", e.message);
}

static int add_line(void *context, const struct sighting *s, struct err *e)
{
	return buf_printf(context, e, "%s %s %lld %lld %lld\n", s->url, s->index, (long long)s->first_seen, (long long)s->last_seen,
			  (long long)s->gone_since);
}

char *sightings(struct ledger *l)
{
	struct err e = { 0 };
	struct buf text = { 0 };

	cr_assert_eq(ledger_sightings(l, "d", add_line, &text, &e), 0, "%s", e.message);
	return buf_steal(&text);
}
