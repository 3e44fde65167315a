/* A ledger in a directory of its own, and short ways to say what goes in. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "../support/temp_dir.h"
#include "ledger/ledger.h"

struct place {
	struct temp_dir dir;
	char path[128];
};

void place_make(struct place *p);
void place_remove(struct place *p);
#define cleanup_place __attribute__((cleanup(place_remove)))

/* Fails the test when it can't. */
struct ledger *open_ledger(const struct place *p);
struct digest digest_of_text(const char *text);
/* Puts a document whose items are `items`. */
void put_document(struct ledger *l, const char *url, const char *rules, const char *items, int64_t now);
/* What is there as a text, "" for an empty one; NULL: nothing. Caller frees. */
char *get_document(struct ledger *l, const char *url, const char *rules, int64_t now);
/* Records a good crawl of `indexes` ("a b"); seen: "index url" pairs, NULL-terminated. */
void record(struct ledger *l, const char *indexes, int64_t now, const char *const *seen);
/* All sightings of the distro "d" as lines `url index first last gone`. Caller frees. */
char *sightings(struct ledger *l);

#endif
