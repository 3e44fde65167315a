/* Running one parser over bytes, and what it gave as text. */
#ifndef TESTS_INDEX_PARSING_H
#define TESTS_INDEX_PARSING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "index/parse.h"

struct parsed {
	int rc;
	struct err e;
	struct document_facts facts;
	/* A line per item: `package REFERENCE root from NAME VERSION sha256 HEX size N` or `document LEVEL REFERENCE ...`, of which
	 * only what is known is there. */
	struct buf lines;
};

void parsed_release(struct parsed *p);
#define cleanup_parsed __attribute__((cleanup(parsed_release)))

/* piece: the source gives at most so many bytes at once; 0: all that is asked for. Items must be such that they can travel. */
void parse_bytes(index_parser *parser, const struct index_rules *rules, unsigned level, const char *bytes, size_t len, size_t piece,
		 struct parsed *ret);

/* One file of tests/data/index/, and what must come of it. */
struct good_row {
	const char *file;
	unsigned level;
	uint64_t entries;
	const char *lines;
};

struct bad_row {
	const char *file;
	enum err_kind kind;
	const char *message; /* part of it */
};

/* Each file at several sizes of pieces. folder: below tests/data/index/. */
void expect_good(index_parser *parser, const struct index_rules *rules, const char *folder, const struct good_row *rows,
		 size_t count);
/* And that the folder has no should-fail-* beside them. */
void expect_bad(index_parser *parser, const struct index_rules *rules, const char *folder, const struct bad_row *rows,
		size_t count);
/* A good file that ends anywhere before the last occurrence of `end` has ended is ERR_CORRUPT. */
void expect_cut_is_corrupt(index_parser *parser, const struct index_rules *rules, const char *path, const char *end);

/* Appends the whole file below tests/data/index/. */
void read_data(const char *path, struct buf *ret);
void add_text(struct strv *v, const char *text);
/* What a fuzz target finds in its corpus, again. */
void replay(int (*target)(const uint8_t *bytes, size_t len), const char *folder);

#endif
