#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"

/* Puts what was seen into the connection's own table. */
static int fill_seen(struct ledger *l, const struct sighting *seen, size_t n, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_SEEN_CLEAR, e);

	if (!s || ledger_run(l, s, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		s = ledger_statement(l, STATEMENT_SEEN_ADD, e);
		if (!s)
			return -1;
		ledger_bind_text(s, ":url", seen[i].url);
		ledger_bind_text(s, ":index", seen[i].index);
		if (seen[i].digest_known)
			ledger_bind_bytes(s, ":sha256", seen[i].sha256.bytes, sizeof(seen[i].sha256.bytes));
		if (seen[i].size_known && seen[i].size <= INT64_MAX)
			ledger_bind_number(s, ":size", (int64_t)seen[i].size);
		if (ledger_run(l, s, e) < 0)
			return -1;
	}
	return 0;
}

static int count(struct ledger *l, enum ledger_statement which, const char *distro, const char *index, uint64_t *ret, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, which, e);

	if (!s)
		return -1;
	ledger_bind_text(s, ":distro", distro);
	ledger_bind_text(s, ":index", index);
	int got = ledger_step(l, s, e);
	if (got > 0)
		*ret = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return got < 0 ? -1 : 0;
}

int ledger_live_count(struct ledger *l, const char *distro, const char *index, uint64_t *ret, struct err *e)
{
	return count(l, STATEMENT_LIVE_COUNT, distro, index, ret, e);
}

int ledger_missing_count(struct ledger *l, const char *distro, const char *index, const struct sighting *seen, size_t n,
			 uint64_t *ret, struct err *e)
{
	return fill_seen(l, seen, n, e) < 0 ? -1 : count(l, STATEMENT_MISSING_COUNT, distro, index, ret, e);
}

static int record_all(struct ledger *l, const char *distro, const struct strv *indexes, const struct sighting *seen, size_t n,
		      int64_t now, struct err *e)
{
	if (fill_seen(l, seen, n, e) < 0)
		return -1;
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_SEEN_RECORD, e);
	if (!s)
		return -1;
	ledger_bind_text(s, ":distro", distro);
	ledger_bind_number(s, ":now", now);
	if (ledger_run(l, s, e) < 0)
		return -1;
	for (size_t i = 0; i < indexes->len; i++) {
		s = ledger_statement(l, STATEMENT_GONE_RECORD, e);
		if (!s)
			return -1;
		ledger_bind_text(s, ":distro", distro);
		ledger_bind_text(s, ":index", indexes->items[i]);
		ledger_bind_number(s, ":now", now);
		if (ledger_run(l, s, e) < 0)
			return -1;
	}
	return 0;
}

int ledger_record(struct ledger *l, const char *distro, const struct strv *indexes, const struct sighting *seen, size_t n,
		  int64_t now, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!strv_has(indexes, seen[i].index))
			return err_set(e, ERR_USAGE, "'%s' was seen in index '%s', which is not among those to record", seen[i].url,
				       seen[i].index);
	if (ledger_begin(l, e) < 0)
		return -1;
	return ledger_end(l, record_all(l, distro, indexes, seen, n, now, e), e);
}

/* The row that s stands on, borrowed from it. */
static int read_sighting(struct ledger *l, sqlite3_stmt *s, struct sighting *ret, struct err *e)
{
	struct sighting seen = {
		.url = (const char *)sqlite3_column_text(s, 0),
		.index = (const char *)sqlite3_column_text(s, 1),
		.digest_known = sqlite3_column_type(s, 2) != SQLITE_NULL,
		.size_known = sqlite3_column_type(s, 3) != SQLITE_NULL,
		.size = (uint64_t)sqlite3_column_int64(s, 3),
		.first_seen = sqlite3_column_int64(s, 4),
		.last_seen = sqlite3_column_int64(s, 5),
		.gone_since = sqlite3_column_int64(s, 6),
	};

	if (!seen.url || !seen.index)
		return err_no_memory(e);
	if (seen.digest_known && ledger_read_digest(l, s, 2, &seen.sha256, e) < 0)
		return -1;
	*ret = seen;
	return 0;
}

int ledger_sightings(struct ledger *l, const char *distro, int (*each)(void *context, const struct sighting *s, struct err *e),
		     void *context, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_SIGHTINGS, e);
	struct sighting seen;
	int got = -1;

	if (!s)
		return -1;
	ledger_bind_text(s, ":distro", distro);
	while ((got = ledger_step(l, s, e)) > 0)
		if (read_sighting(l, s, &seen, e) < 0 || each(context, &seen, e) < 0) {
			got = -1;
			break;
		}
	sqlite3_reset(s);
	return got;
}

int ledger_last_seen(struct ledger *l, const char *distro, const char *url, int64_t *ret, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_LAST_SEEN, e);

	if (!s)
		return -1;
	ledger_bind_text(s, ":distro", distro);
	ledger_bind_text(s, ":url", url);
	int got = ledger_step(l, s, e);
	/* max() of no rows is one row that holds NULL. */
	if (got > 0 && sqlite3_column_type(s, 0) == SQLITE_NULL)
		got = 0;
	if (got > 0)
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return got;
}
