#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"

/* How exactly it is kept when a document was last asked for: a crawl that changes nothing should write nothing. */
enum { USED_PRECISION_S = 3600 };

void ledger_document_release(struct ledger_document *d)
{
	if (!d)
		return;
	free(d->etag);
	free(d->last_modified);
	buf_release(&d->items);
	*d = (struct ledger_document){ 0 };
}

static int copy_text(sqlite3_stmt *s, int column, char **ret, struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	if (!text)
		return 0;
	*ret = str_dup(text, e);
	return *ret ? 0 : -1;
}

/* The row that s stands on. */
static int read_document(struct ledger *l, sqlite3_stmt *s, struct ledger_document *d, struct err *e)
{
	if (copy_text(s, 0, &d->etag, e) < 0 || copy_text(s, 1, &d->last_modified, e) < 0 ||
	    ledger_read_digest(l, s, 2, &d->sha256, e) < 0)
		return -1;
	int64_t size = sqlite3_column_int64(s, 3);
	if (size < 0)
		return ledger_damaged(l, "a negative size", e);
	d->size = (uint64_t)size;
	const void *items = sqlite3_column_blob(s, 4);
	int len = sqlite3_column_bytes(s, 4);
	return len ? buf_append(&d->items, items, (size_t)len, e) : 0;
}

static sqlite3_stmt *statement_for(struct ledger *l, enum ledger_statement which, const char *url, const struct digest *rules,
				   struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, which, e);

	if (s) {
		ledger_bind_text(s, ":url", url);
		ledger_bind_bytes(s, ":rules", rules->bytes, sizeof(rules->bytes));
	}
	return s;
}

int ledger_document_get(struct ledger *l, const char *url, const struct digest *rules, int64_t now, struct ledger_document *ret,
			struct err *e)
{
	cleanup_ledger_document struct ledger_document d = { 0 };
	sqlite3_stmt *s = statement_for(l, STATEMENT_DOCUMENT_GET, url, rules, e);
	int got = s ? ledger_step(l, s, e) : -1;

	if (got <= 0)
		return got;
	int64_t used = sqlite3_column_int64(s, 5);
	int outcome = read_document(l, s, &d, e);
	sqlite3_reset(s);
	if (outcome == 0 && !l->read_only && now - used >= USED_PRECISION_S) {
		s = statement_for(l, STATEMENT_DOCUMENT_TOUCH, url, rules, e);
		if (s)
			ledger_bind_number(s, ":now", now);
		outcome = s ? ledger_run(l, s, e) : -1;
	}
	if (outcome < 0)
		return -1;
	*ret = d;
	d = (struct ledger_document){ 0 };
	return 1;
}

int ledger_document_put(struct ledger *l, const char *url, const struct digest *rules, const struct ledger_document *d, int64_t now,
			struct err *e)
{
	sqlite3_stmt *s = statement_for(l, STATEMENT_DOCUMENT_PUT, url, rules, e);

	if (!s)
		return -1;
	ledger_bind_text(s, ":etag", d->etag);
	ledger_bind_text(s, ":last_modified", d->last_modified);
	ledger_bind_bytes(s, ":sha256", d->sha256.bytes, sizeof(d->sha256.bytes));
	ledger_bind_number(s, ":size", (int64_t)d->size);
	ledger_bind_bytes(s, ":items", d->items.data, d->items.len);
	ledger_bind_number(s, ":now", now);
	return ledger_run(l, s, e);
}

int ledger_documents_expire(struct ledger *l, int64_t before, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_DOCUMENTS_EXPIRE, e);

	if (!s)
		return -1;
	ledger_bind_number(s, ":before", before - USED_PRECISION_S);
	return ledger_run(l, s, e);
}
