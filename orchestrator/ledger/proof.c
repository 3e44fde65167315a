#include <stdlib.h>

#include "ledger/database.h"

void ledger_proof_release(struct ledger_proof *p)
{
	free(p->finding);
	free(p->reason);
	free(p->machine);
	*p = (struct ledger_proof){ 0 };
}

static void bind_digest(sqlite3_stmt *s, const char *name, const struct digest *d)
{
	ledger_bind_bytes(s, name, d->bytes, sizeof(d->bytes));
}

static void bind_key(sqlite3_stmt *s, const struct ledger_proof_key *key)
{
	ledger_bind_text(s, ":kernel", key->kernel);
	ledger_bind_text(s, ":kind", key->kind);
	bind_digest(s, ":object", &key->object);
	bind_digest(s, ":image", &key->image);
	bind_digest(s, ":guest", &key->guest);
}

static char *read_text(struct ledger *l, sqlite3_stmt *s, int column, struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	if (text)
		return str_dup(text, e);
	ledger_damaged(l, "a proof without a text", e);
	return NULL;
}

static int read_proof(struct ledger *l, sqlite3_stmt *s, struct ledger_proof *ret, struct err *e)
{
	cleanup_ledger_proof struct ledger_proof p = { 0 };

	p.passed = sqlite3_column_int(s, 0) != 0;
	p.finding = read_text(l, s, 1, e);
	p.reason = p.finding ? read_text(l, s, 2, e) : NULL;
	p.machine = p.reason ? read_text(l, s, 6, e) : NULL;
	if (!p.machine || ledger_read_digest(l, s, 3, &p.kernel_image, e) < 0)
		return -1;
	p.events = (uint64_t)sqlite3_column_int64(s, 4);
	p.milliseconds = (uint64_t)sqlite3_column_int64(s, 5);
	p.proven = sqlite3_column_int64(s, 7);
	*ret = p;
	p = (struct ledger_proof){ 0 };
	return 1;
}

int ledger_proof_get(struct ledger *l, const struct ledger_proof_key *key, struct ledger_proof *ret, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_PROOF_GET, e);

	if (!s)
		return -1;
	bind_key(s, key);
	int got = ledger_step(l, s, e);
	if (got > 0)
		got = read_proof(l, s, ret, e);
	sqlite3_reset(s);
	return got;
}

int ledger_proof_put(struct ledger *l, const struct ledger_proof_key *key, const struct ledger_proof *p, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_PROOF_PUT, e);

	if (!s)
		return -1;
	bind_key(s, key);
	ledger_bind_number(s, ":passed", p->passed);
	ledger_bind_text(s, ":finding", p->finding);
	ledger_bind_text(s, ":reason", p->reason);
	bind_digest(s, ":kernel_image", &p->kernel_image);
	ledger_bind_number(s, ":events", (int64_t)p->events);
	ledger_bind_number(s, ":milliseconds", (int64_t)p->milliseconds);
	ledger_bind_text(s, ":machine", p->machine);
	ledger_bind_number(s, ":proven", p->proven);
	return ledger_run(l, s, e);
}
