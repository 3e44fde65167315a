/* Opening what is there, what is not, and what should not be; several processes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"

static void make_directory(const struct place *p)
{
	struct err e;
	cleanup_free char *dir = str_printf(&e, "%s/cache", p->dir.path);
	cr_assert_eq(path_make_dirs(dir, &e), 0);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int keep_word(void *context, int columns, char **values, char **names)
{
	(void)columns, (void)names;
	snprintf(context, 16, "%s", values[0]);
	return 0;
}

static void expect_refused(const struct place *p, enum err_kind kind, const char *says)
{
	struct err e = { 0 };
	struct ledger *l = NULL;

	cr_expect_lt(ledger_open(p->path, &l, &e), 0);
	cr_expect_null(l);
	cr_expect_eq(e.kind, kind, "%s: %s", err_kind_name(e.kind), e.message);
	cr_expect(strstr(e.message, says), "%s", e.message);
	cr_expect(strstr(e.message, p->path), "%s", e.message);
}

Test(database, is_made_with_its_directory)
{
	cleanup_place struct place p;
	char mode[16] = "";
	sqlite3 *db = NULL;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	cr_assert_eq(sqlite3_open(p.path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "PRAGMA journal_mode", keep_word, mode, NULL), SQLITE_OK);
	cr_expect_str_eq(mode, "wal");
	sqlite3_close(db);
}

Test(database, of_others_is_left_alone)
{
	static const struct {
		const char *sql;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{ "CREATE TABLE bookmarks (x)", ERR_INPUT, "is another program's database; name another place for the ledger" },
		{ "PRAGMA application_id = 17", ERR_INPUT, "is another program's database" },
		{ "PRAGMA user_version = 3", ERR_INPUT, "is another program's database" },
		{ "PRAGMA application_id = 0x4f524348; PRAGMA user_version = 1000", ERR_INPUT,
		  "was written by a newer orchestrate (ledger version 1000" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf before = { 0 }, after = { 0 };
		struct err e;
		place_make(&p);
		make_directory(&p);
		run_sql(p.path, rows[i].sql);
		cr_assert_eq(file_read(p.path, 1 << 20, &before, &e), 0);
		expect_refused(&p, rows[i].kind, rows[i].says);
		cr_assert_eq(file_read(p.path, 1 << 20, &after, &e), 0);
		cr_expect(before.len == after.len && memcmp(before.data, after.data, after.len) == 0, "row %zu", i);
	}
}

Test(database, that_is_none_is_named_with_the_remedy)
{
	cleanup_place struct place p;
	struct err e;
	char junk[8192];

	place_make(&p);
	make_directory(&p);
	memset(junk, 'x', sizeof(junk));
	cr_assert_eq(file_replace(p.path, junk, sizeof(junk), 0666, &e), 0);
	expect_refused(&p, ERR_CORRUPT, "or no SQLite database at all; remove it");
	cr_assert_eq(unlink(p.path), 0);
	cr_assert_eq(mkdir(p.path, 0777), 0);
	expect_refused(&p, ERR_SYSTEM, "the ledger can't be opened");
}

/* An empty file, as a full disk may leave it, is a new ledger. */
Test(database, that_is_empty_is_filled)
{
	cleanup_place struct place p;
	struct err e;

	place_make(&p);
	make_directory(&p);
	cr_assert_eq(file_replace(p.path, "", 0, 0666, &e), 0);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	put_document(l, "http://h/a", "r", "x", 1);
}

Test(database, that_is_damaged_is_named_with_the_remedy)
{
	cleanup_place struct place p;
	struct err e = { 0 };
	struct digest rules = digest_of_text("r");
	char junk[4096];
	struct stat st;

	place_make(&p);
	struct ledger *l = open_ledger(&p);
	for (int i = 0; i < 200; i++) {
		char url[64];
		snprintf(url, sizeof(url), "http://h/%d", i);
		put_document(l, url, "r", "some items that fill a few pages of the database, so that there is something to spoil",
			     1);
	}
	ledger_close(l);
	/* All but the first page, which has the schema. */
	memset(junk, 0xa5, sizeof(junk));
	cr_assert_eq(stat(p.path, &st), 0);
	cleanup_close int fd = open(p.path, O_WRONLY | O_CLOEXEC);
	for (off_t at = 4096; at < st.st_size; at += 4096)
		cr_assert_eq(pwrite(fd, junk, sizeof(junk), at), (ssize_t)sizeof(junk));

	struct ledger_document d = { 0 };
	int outcome = ledger_open(p.path, &l, &e);
	if (outcome == 0) {
		outcome = ledger_document_get(l, "http://h/7", &rules, 1, &d, &e);
		ledger_close(l);
	}
	cr_expect_eq(outcome, -1);
	cr_expect_eq(e.kind, ERR_CORRUPT, "%s", e.message);
	cr_expect(strstr(e.message, p.path) && strstr(e.message, "remove it, and what has its name with -wal or -shm behind"), "%s",
		  e.message);
}

Test(database, that_can_not_be_written_can_be_read)
{
	cleanup_place struct place p;
	struct err e = { 0 };
	struct digest rules = digest_of_text("r");
	const struct ledger_document d = { .size = 1 };

	place_make(&p);
	struct ledger *l = open_ledger(&p);
	put_document(l, "http://h/a", "r", "x", 1);
	ledger_close(l);
	cr_assert_eq(chmod(p.path, 0444), 0);
	cr_assert_eq(chmod(p.dir.path, 0777), 0);
	cleanup_free char *dir = str_printf(&e, "%s/cache", p.dir.path);
	cr_assert_eq(chmod(dir, 0777), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	l = open_ledger(&p);
	cleanup_free char *got = get_document(l, "http://h/a", "r", 1000000);
	cr_expect_str_eq(got, "x");
	cr_expect_lt(ledger_document_put(l, "http://h/a", &rules, &d, 1, &e), 0);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect(strstr(e.message, p.path) && strstr(e.message, "the ledger can't be written; look at the permissions"), "%s",
		  e.message);
	ledger_close(l);

	struct place nowhere = p;
	snprintf(nowhere.path, sizeof(nowhere.path), "%s/other", dir);
	cr_assert_eq(seteuid(getuid()), 0);
	cr_assert_eq(chmod(dir, 0555), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	expect_refused(&nowhere, ERR_SYSTEM, "the ledger can't be opened; look at the permissions");
	cr_assert_eq(seteuid(getuid()), 0);
}

/* A file system that has no shared memory for WAL, as SQLite's own lock-file layer has none. */
Test(database, without_wal_falls_back_to_a_journal)
{
	cleanup_place struct place p;
	char mode[16] = "";
	sqlite3 *db = NULL;

	place_make(&p);
	cr_assert_eq(sqlite3_vfs_register(sqlite3_vfs_find("unix-dotfile"), 1), SQLITE_OK);
	struct ledger *l = open_ledger(&p);
	put_document(l, "http://h/a", "r", "x", 1);
	ledger_close(l);
	l = open_ledger(&p);
	cleanup_free char *got = get_document(l, "http://h/a", "r", 1);
	cr_expect_str_eq(got, "x");
	ledger_close(l);
	cr_assert_eq(sqlite3_open(p.path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "PRAGMA journal_mode", keep_word, mode, NULL), SQLITE_OK);
	cr_expect_str_eq(mode, "delete");
	sqlite3_close(db);
}

/* --- several processes --- */

enum { WRITERS = 4, ROUNDS = 50 };

static void write_much(const struct place *p, int writer)
{
	struct ledger *l = open_ledger(p);

	for (int i = 0; i < ROUNDS; i++) {
		char url[64], index[16], line[96];
		snprintf(url, sizeof(url), "http://h/%d/%d", writer, i);
		snprintf(index, sizeof(index), "i%d", writer);
		snprintf(line, sizeof(line), "%s %s", index, url);
		put_document(l, url, "r", "x", 1);
		const char *const seen[] = { line, NULL };
		record(l, index, i + 1, seen);
	}
	ledger_close(l);
}

Test(database, several_processes_make_and_fill_it_at_once, .timeout = 120)
{
	cleanup_place struct place p;
	pid_t children[WRITERS];
	int status;
	struct err e = { 0 };

	place_make(&p);
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		cr_assert_geq(children[i], 0);
		if (children[i] == 0) {
			write_much(&p, i);
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "writer %d: status %x", i, (unsigned)status);
	}
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	for (int i = 0; i < WRITERS; i++) {
		char url[64], index[16];
		uint64_t live;
		snprintf(index, sizeof(index), "i%d", i);
		cr_assert_eq(ledger_live_count(l, "d", index, &live, &e), 0);
		cr_expect_eq(live, 1);
		for (int k = 0; k < ROUNDS; k++) {
			snprintf(url, sizeof(url), "http://h/%d/%d", i, k);
			cleanup_free char *got = get_document(l, url, "r", 1);
			cr_expect(got && strcmp(got, "x") == 0, "%s", url);
		}
	}
	cleanup_free char *lines = sightings(l);
	size_t n = 0;
	for (const char *c = lines; *c; c++)
		n += *c == '\n';
	cr_expect_eq(n, (size_t)WRITERS * ROUNDS);
}

/* Every record lists all of its URLs or none. */
Test(database, survives_a_kill, .timeout = 120)
{
	cleanup_place struct place p;
	struct err e = { 0 };
	uint64_t live = 0;

	place_make(&p);
	for (int round = 0; round < 10; round++) {
		int ready[2];
		char byte;
		cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
		pid_t child = fork();
		cr_assert_geq(child, 0);
		if (child == 0) {
			static const char *const odd[] = { "m http://h/1", "m http://h/3", "m http://h/5", NULL };
			static const char *const even[] = { "m http://h/2", "m http://h/4", "m http://h/6", NULL };
			struct ledger *l = open_ledger(&p);
			for (int i = 1;; i++) {
				record(l, "m", i, i % 2 ? odd : even);
				if (i == 3 && write(ready[1], "x", 1) != 1)
					_exit(1);
			}
		}
		cr_assert_eq(read(ready[0], &byte, 1), 1);
		usleep((useconds_t)(1000 * round));
		cr_assert_eq(kill(child, SIGKILL), 0);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		close(ready[0]);
		close(ready[1]);
		struct ledger *l = open_ledger(&p);
		cr_assert_eq(ledger_live_count(l, "d", "m", &live, &e), 0, "%s", e.message);
		cr_expect_eq(live, 3);
		ledger_close(l);
	}
}
