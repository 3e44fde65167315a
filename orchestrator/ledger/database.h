/* The ledger's database: opening, its statements, its errors. Internal to ledger. */
#ifndef ORCHESTRATE_LEDGER_DATABASE_H
#define ORCHESTRATE_LEDGER_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "ledger/ledger.h"

/* Their texts stand in database.c. */
enum ledger_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_DOCUMENT_GET,
	STATEMENT_DOCUMENT_TOUCH,
	STATEMENT_DOCUMENT_PUT,
	STATEMENT_DOCUMENTS_EXPIRE,
	STATEMENT_LIVE_COUNT,
	STATEMENT_MISSING_COUNT,
	STATEMENT_SEEN_CLEAR,
	STATEMENT_SEEN_ADD,
	STATEMENT_SEEN_RECORD,
	STATEMENT_GONE_RECORD,
	STATEMENT_SIGHTINGS,
	STATEMENT_LAST_SEEN,
	STATEMENT_PROOF_GET,
	STATEMENT_PROOF_PUT,
	STATEMENT_COUNT,
};

struct ledger {
	sqlite3 *db;
	char *path;
	bool read_only;
	sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared when first used */
};

/* Fills *e from the last failed call on l->db. -1. */
int ledger_failed(struct ledger *l, struct err *e);
/* The statement, reset and without parameters. Borrowed. NULL on failure. */
sqlite3_stmt *ledger_statement(struct ledger *l, enum ledger_statement which, struct err *e);
/* 1 a row, 0 the end, -1. */
must_check int ledger_step(struct ledger *l, sqlite3_stmt *s, struct err *e);
/* For what has no rows: steps and resets. */
must_check int ledger_run(struct ledger *l, sqlite3_stmt *s, struct err *e);
/* Parameters by their name in the text, ":x". The bytes are borrowed until the statement is reset. text NULL binds NULL. */
void ledger_bind_text(sqlite3_stmt *s, const char *name, const char *text);
void ledger_bind_number(sqlite3_stmt *s, const char *name, int64_t number);
void ledger_bind_bytes(sqlite3_stmt *s, const char *name, const void *bytes, size_t len);
/* A column that must be a digest; else ERR_CORRUPT. */
must_check int ledger_read_digest(struct ledger *l, sqlite3_stmt *s, int column, struct digest *ret, struct err *e);
/* For what the file holds and can't be true. -1. */
int ledger_damaged(const struct ledger *l, const char *what, struct err *e);

/* A write transaction: begun at once, so that it waits for others here and nowhere else. */
must_check int ledger_begin(struct ledger *l, struct err *e);
/* Commits when outcome is 0, else rolls back; the result is that of the whole. */
must_check int ledger_end(struct ledger *l, int outcome, struct err *e);

#endif
