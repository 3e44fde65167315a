#include "ledger/database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/file.h"

enum { BUSY_MS = 30000, APPLICATION_ID = 0x4f524348 /* "ORCH" */ };

/* What brings a database from version i to i + 1; the last one's is the program's. */
static const char *const versions[] = {
	"CREATE TABLE document ("
	"  url TEXT NOT NULL, rules BLOB NOT NULL, etag TEXT, last_modified TEXT, sha256 BLOB NOT NULL, size INTEGER NOT NULL,"
	"  items BLOB NOT NULL, used INTEGER NOT NULL,"
	"  PRIMARY KEY (url, rules));"
	"CREATE TABLE sighting ("
	"  distro TEXT NOT NULL, url TEXT NOT NULL, listed_by TEXT NOT NULL, sha256 BLOB, size INTEGER,"
	"  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, gone_since INTEGER NOT NULL,"
	"  PRIMARY KEY (distro, url, listed_by)) WITHOUT ROWID;"
	"CREATE INDEX sighting_live ON sighting (distro, listed_by) WHERE gone_since = 0;",
	"CREATE TABLE proof ("
	"  kernel TEXT NOT NULL, kind TEXT NOT NULL, object BLOB NOT NULL, image BLOB NOT NULL, guest BLOB NOT NULL,"
	"  passed INTEGER NOT NULL, finding TEXT NOT NULL, reason TEXT NOT NULL, kernel_image BLOB NOT NULL,"
	"  events INTEGER NOT NULL, milliseconds INTEGER NOT NULL, machine TEXT NOT NULL, proven INTEGER NOT NULL,"
	"  PRIMARY KEY (kernel, kind, object, image, guest)) WITHOUT ROWID;",
};
enum { LEDGER_VERSION = ARRAY_LEN(versions) };

/* What an index has given in the crawl at hand, for one connection only. */
static const char seen_table[] = "CREATE TEMP TABLE seen (url TEXT NOT NULL, listed_by TEXT NOT NULL, sha256 BLOB, size INTEGER,"
				 "  PRIMARY KEY (url, listed_by)) WITHOUT ROWID";

static const char *const texts[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_DOCUMENT_GET] =
		"SELECT etag, last_modified, sha256, size, items, used FROM document WHERE url = :url AND rules = :rules",
	[STATEMENT_DOCUMENT_TOUCH] = "UPDATE document SET used = :now WHERE url = :url AND rules = :rules",
	[STATEMENT_DOCUMENT_PUT] = "INSERT OR REPLACE INTO document (url, rules, etag, last_modified, sha256, size, items, used)"
				   " VALUES (:url, :rules, :etag, :last_modified, :sha256, :size, :items, :now)",
	[STATEMENT_DOCUMENTS_EXPIRE] = "DELETE FROM document WHERE used < :before",
	[STATEMENT_LIVE_COUNT] = "SELECT count(*) FROM sighting WHERE distro = :distro AND listed_by = :index AND gone_since = 0",
	[STATEMENT_MISSING_COUNT] = "SELECT count(*) FROM sighting WHERE distro = :distro AND listed_by = :index AND gone_since = 0"
				    " AND NOT EXISTS (SELECT 1 FROM temp.seen WHERE temp.seen.url = sighting.url)",
	[STATEMENT_SEEN_CLEAR] = "DELETE FROM temp.seen",
	[STATEMENT_SEEN_ADD] =
		"INSERT OR REPLACE INTO temp.seen (url, listed_by, sha256, size) VALUES (:url, :index, :sha256, :size)",
	[STATEMENT_SEEN_RECORD] =
		"INSERT INTO sighting (distro, url, listed_by, sha256, size, first_seen, last_seen, gone_since)"
		" SELECT :distro, url, listed_by, sha256, size, :now, :now, 0 FROM temp.seen WHERE true"
		" ON CONFLICT (distro, url, listed_by) DO UPDATE SET last_seen = excluded.last_seen, gone_since = 0,"
		"  sha256 = coalesce(excluded.sha256, sha256), size = coalesce(excluded.size, size)",
	[STATEMENT_GONE_RECORD] =
		"UPDATE sighting SET gone_since = :now WHERE distro = :distro AND listed_by = :index AND gone_since = 0"
		" AND NOT EXISTS (SELECT 1 FROM temp.seen s WHERE s.url = sighting.url AND s.listed_by = sighting.listed_by)",
	[STATEMENT_SIGHTINGS] = "SELECT url, listed_by, sha256, size, first_seen, last_seen, gone_since FROM sighting"
				" WHERE distro = :distro ORDER BY url, listed_by",
	[STATEMENT_LAST_SEEN] = "SELECT max(last_seen) FROM sighting WHERE distro = :distro AND url = :url",
	[STATEMENT_PROOF_GET] =
		"SELECT passed, finding, reason, kernel_image, events, milliseconds, machine, proven FROM proof"
		" WHERE kernel = :kernel AND kind = :kind AND object = :object AND image = :image AND guest = :guest",
	[STATEMENT_PROOF_PUT] =
		"INSERT OR REPLACE INTO proof (kernel, kind, object, image, guest, passed, finding, reason, kernel_image, events,"
		" milliseconds, machine, proven) VALUES (:kernel, :kind, :object, :image, :guest, :passed, :finding, :reason,"
		" :kernel_image, :events, :milliseconds, :machine, :proven)",
};

/* --- errors --- */

#define REMEDY                                                                                                                     \
	"remove it, and what has its name with -wal or -shm behind: the next crawl makes it anew, only dates and proofs are lost"

/* By SQLite's primary result codes. */
static const struct {
	int code;
	enum err_kind kind;
	const char *text;
} failures[] = {
	{ SQLITE_CORRUPT, ERR_CORRUPT, "the ledger is damaged; " REMEDY },
	{ SQLITE_NOTADB, ERR_CORRUPT, "the ledger is damaged, or no SQLite database at all; " REMEDY },
	{ SQLITE_BUSY, ERR_CONFLICT, "another process has been writing to the ledger for 30 s; try again when it has ended" },
	{ SQLITE_LOCKED, ERR_CONFLICT, "another process has been writing to the ledger for 30 s; try again when it has ended" },
	{ SQLITE_FULL, ERR_SYSTEM, "the ledger's disk is full; make room there" },
	{ SQLITE_READONLY, ERR_SYSTEM,
	  "the ledger can't be written; look at the permissions of file and directory, and how it is mounted" },
	{ SQLITE_CANTOPEN, ERR_SYSTEM,
	  "the ledger can't be opened; look at the permissions of file and directory, and how it is mounted" },
	{ SQLITE_IOERR, ERR_SYSTEM, "reading or writing the ledger fails; look at its disk" },
};

int ledger_failed(struct ledger *l, struct err *e)
{
	int code = l->db ? sqlite3_errcode(l->db) & 0xff : SQLITE_NOMEM;

	if (code == SQLITE_NOMEM)
		return err_no_memory(e);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].code != code)
			continue;
		err_set(e, failures[i].kind, "'%s': %s (SQLite: %s)", l->path, failures[i].text, sqlite3_errmsg(l->db));
		if (e && e->kind == ERR_SYSTEM)
			e->errnum = sqlite3_system_errno(l->db);
		return -1;
	}
	return err_set(e, ERR_SYSTEM, "'%s': SQLite: %s", l->path, sqlite3_errmsg(l->db));
}

int ledger_damaged(const struct ledger *l, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s': the ledger is damaged (%s); " REMEDY, l->path, what);
}

/* --- statements --- */

sqlite3_stmt *ledger_statement(struct ledger *l, enum ledger_statement which, struct err *e)
{
	sqlite3_stmt **s = &l->statements[which];

	if (!*s && sqlite3_prepare_v3(l->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL) != SQLITE_OK) {
		ledger_failed(l, e);
		return NULL;
	}
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
	return *s;
}

int ledger_step(struct ledger *l, sqlite3_stmt *s, struct err *e)
{
	int code = sqlite3_step(s);

	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return code == SQLITE_ROW;
	ledger_failed(l, e);
	sqlite3_reset(s);
	return -1;
}

int ledger_run(struct ledger *l, sqlite3_stmt *s, struct err *e)
{
	int got = ledger_step(l, s, e);

	sqlite3_reset(s);
	return got < 0 ? -1 : 0;
}

/* Nothing is copied, so that all that can go wrong is a text of a gigabyte: the parameter is NULL then, which the table refuses. */
void ledger_bind_text(sqlite3_stmt *s, const char *name, const char *text)
{
	(void)sqlite3_bind_text(s, sqlite3_bind_parameter_index(s, name), text, -1, SQLITE_STATIC);
}

void ledger_bind_number(sqlite3_stmt *s, const char *name, int64_t number)
{
	(void)sqlite3_bind_int64(s, sqlite3_bind_parameter_index(s, name), number);
}

void ledger_bind_bytes(sqlite3_stmt *s, const char *name, const void *bytes, size_t len)
{
	(void)sqlite3_bind_blob64(s, sqlite3_bind_parameter_index(s, name), len ? bytes : "", len, SQLITE_STATIC);
}

int ledger_read_digest(struct ledger *l, sqlite3_stmt *s, int column, struct digest *ret, struct err *e)
{
	const void *bytes = sqlite3_column_blob(s, column);

	if (!bytes || sqlite3_column_bytes(s, column) != sizeof(ret->bytes))
		return ledger_damaged(l, "a digest of another length", e);
	memcpy(ret->bytes, bytes, sizeof(ret->bytes));
	return 0;
}

int ledger_begin(struct ledger *l, struct err *e)
{
	sqlite3_stmt *s = ledger_statement(l, STATEMENT_BEGIN, e);
	return s ? ledger_run(l, s, e) : -1;
}

int ledger_end(struct ledger *l, int outcome, struct err *e)
{
	struct err ignored;
	sqlite3_stmt *s = outcome == 0 ? ledger_statement(l, STATEMENT_COMMIT, e) : NULL;

	if (s && ledger_run(l, s, e) == 0)
		return 0;
	/* Some failures have rolled back already; what else fails now is told by the next call. */
	s = sqlite3_get_autocommit(l->db) ? NULL : ledger_statement(l, STATEMENT_ROLLBACK, &ignored);
	if (s)
		(void)!ledger_run(l, s, &ignored);
	return -1;
}

/* --- opening --- */

static int execute(struct ledger *l, const char *sql, struct err *e)
{
	return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : ledger_failed(l, e);
}

static int read_number(struct ledger *l, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK)
		return ledger_failed(l, e);
	int got = ledger_step(l, s, e);
	if (got > 0)
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return got < 0 ? -1 : 0;
}

/* The version of what is there; 0: nothing. Within a transaction: another process may be making it. */
static int check_origin(struct ledger *l, int64_t *ret_version, struct err *e)
{
	int64_t version = 0, id = 0, things = 0;

	if (read_number(l, "PRAGMA user_version", &version, e) < 0 || read_number(l, "PRAGMA application_id", &id, e) < 0 ||
	    read_number(l, "SELECT count(*) FROM sqlite_schema", &things, e) < 0)
		return -1;
	if (id != APPLICATION_ID && (id || version || things))
		return err_set(e, ERR_INPUT, "'%s' is another program's database; name another place for the ledger", l->path);
	if (version > LEDGER_VERSION)
		return err_set(e, ERR_INPUT,
			       "'%s' was written by a newer orchestrate (ledger version %lld, this one knows %d); use that one, or "
			       "name another place for the ledger",
			       l->path, (long long)version, LEDGER_VERSION);
	*ret_version = version;
	return 0;
}

/* statfs(2): where several machines may have the file open at once, or mapped files are not to be trusted. */
static bool is_shared_file_system(const char *path)
{
	static const unsigned long types[] = {
		0x6969 /* nfs */,     0x517b /* smb */,	     0xfe534d42 /* smb2 */,  0xff534d42 /* cifs */,
		0x01021997 /* 9p */,  0x65735546 /* fuse */, 0x00c36400 /* ceph */,  0x0bd00bd0 /* lustre */,
		0x5346414f /* afs */, 0x01161970 /* gfs2 */, 0x7461636f /* ocfs2 */, 0x47504653 /* gpfs */,
	};
	struct statfs st;

	if (statfs(path, &st) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (((unsigned long)st.f_type & 0xffffffff) == types[i])
			return true;
	return false;
}

/* 1 it is in force, 0 not, -1 (SQLITE_BUSY, damage). */
static int set_journal(struct ledger *l, const char *mode, struct err *e)
{
	cleanup_free char *sql = str_printf(e, "PRAGMA journal_mode = %s", mode);
	sqlite3_stmt *s = NULL;
	int outcome = 0;

	if (!sql)
		return -1;
	if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK)
		return ledger_failed(l, e);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		outcome = sqlite3_stricmp((const char *)sqlite3_column_text(s, 0), mode) == 0;
	else if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		outcome = ledger_failed(l, e);
	sqlite3_finalize(s);
	return outcome;
}

/* Changing to WAL fails at once while somebody else holds the file, whatever the time-out: then wait for him and try again. */
static int choose_journal(struct ledger *l, bool shared, struct err *e)
{
	enum { TRIES = 20 };
	int outcome = -1;
	struct err why = { 0 };

	for (int i = 0; i < TRIES && outcome < 0; i++) {
		outcome = shared ? 0 : set_journal(l, "wal", &why);
		if (outcome == 0)
			outcome = set_journal(l, "delete", &why) < 0 ? -1 : 0;
		if (outcome < 0 && (why.kind != ERR_CONFLICT || execute(l, "BEGIN IMMEDIATE; COMMIT", &why) < 0))
			break;
	}
	if (outcome < 0) {
		if (e)
			*e = why;
		return -1;
	}
	/* A lost last transaction costs nothing, a torn file would: WAL can't tear. */
	return execute(l, outcome ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", e);
}

static int bring_up_to_date(struct ledger *l, struct err *e)
{
	int64_t version = 0;
	int outcome = 0;

	if (ledger_begin(l, e) < 0)
		return -1;
	/* Again: another process may have been faster. */
	if (check_origin(l, &version, e) < 0)
		outcome = -1;
	for (; outcome == 0 && version < LEDGER_VERSION; version++)
		outcome = execute(l, versions[version], e);
	if (outcome == 0) {
		cleanup_free char *stamp =
			str_printf(e, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, LEDGER_VERSION);
		outcome = stamp ? execute(l, stamp, e) : -1;
	}
	return ledger_end(l, outcome, e);
}

static int set_up(struct ledger *l, struct err *e)
{
	bool shared = is_shared_file_system(l->path);
	int64_t version = 0;

	sqlite3_busy_timeout(l->db, BUSY_MS);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (execute(l, "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY", e) < 0)
		return -1;
	/* A database in WAL mode that has come to such a file system is read without mapped files only so. */
	if (shared && execute(l, "PRAGMA locking_mode = EXCLUSIVE", e) < 0)
		return -1;
	if (execute(l, "BEGIN", e) < 0 || check_origin(l, &version, e) < 0 || execute(l, "COMMIT", e) < 0)
		return -1;
	l->read_only = sqlite3_db_readonly(l->db, "main") == 1;
	if (l->read_only && version < LEDGER_VERSION)
		return err_set(e, ERR_SYSTEM, "'%s': the ledger is not made yet, and can't be written; name another place for it",
			       l->path);
	if (!l->read_only && choose_journal(l, shared, e) < 0)
		return -1;
	if (shared && execute(l, "PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema", e) < 0)
		return -1;
	if (version < LEDGER_VERSION && bring_up_to_date(l, e) < 0)
		return -1;
	return execute(l, seen_table, e);
}

int ledger_open(const char *path, struct ledger **ret, struct err *e)
{
	cleanup_of(ledger) struct ledger *l = calloc(1, sizeof(*l));
	cleanup_free char *dir = str_printf(e, "%.*s", (int)(path_base(path) - path), path);
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

	if (!l || !dir || !(l->path = str_dup(path, e)))
		return err_no_memory(e);
	if (*dir && path_make_dirs(dir, e) < 0)
		return err_wrap(e, "ledger '%s'", path);
	if (sqlite3_open_v2(path, &l->db, flags, NULL) != SQLITE_OK)
		return ledger_failed(l, e);
	if (set_up(l, e) < 0)
		return -1;
	*ret = steal_ptr(&l);
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(l->statements[i]);
	sqlite3_close(l->db);
	free(l->path);
	free(l);
}
