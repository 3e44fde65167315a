/* ledger: what is known about packages and indexes beyond the lists: when a URL was first and last seen, by which index, and what
 * each index document gave, and what booting a kernel with an object has shown. An SQLite database (`<cache>/ledger.sqlite`), that
 * several processes may use at once: who writes is waited for, up to 30 s. In WAL mode, and with a rollback journal where a file
 * system is shared between machines or can't map files. All of it can be lost: the next crawl makes it again, only dates and proofs
 * are gone. It knows nothing of what the names and documents mean.
 *
 * Errors of every call name the file and what to do: ERR_CORRUPT it is damaged, ERR_CONFLICT somebody else writes and does not end,
 * ERR_SYSTEM disk, permissions. */
#ifndef ORCHESTRATE_LEDGER_LEDGER_H
#define ORCHESTRATE_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "stream/digest.h"

struct ledger;

/* Creates what is missing of directory, file and tables. A database of a newer program (user_version), or another program's
 * (application_id): ERR_INPUT, of an older one: brought up to date. One that can't be written can be read. One ledger object per
 * thread; not across a fork. */
must_check int ledger_open(const char *path, struct ledger **ret, struct err *e);
void ledger_close(struct ledger *l);
DEFINE_CLEANUP(ledger, struct ledger, ledger_close)

/* --- index documents: conditional requests, and what they gave the last time --- */

struct ledger_document {
	char *etag, *last_modified; /* as the server gave them; NULL: it gave none */
	struct digest sha256;	    /* of the bytes that were fetched */
	uint64_t size;
	struct buf items; /* index/document.h lines */
};

void ledger_document_release(struct ledger_document *d);
#define cleanup_ledger_document __attribute__((cleanup(ledger_document_release)))

/* 1 *ret is what url gave under these rules, 0 there is none. now: seconds since 1970; that it was asked for is noted, to the
 * hour. */
must_check int ledger_document_get(struct ledger *l, const char *url, const struct digest *rules, int64_t now,
				   struct ledger_document *ret, struct err *e);
/* Replaces. d's strings and items are borrowed. */
must_check int ledger_document_put(struct ledger *l, const char *url, const struct digest *rules, const struct ledger_document *d,
				   int64_t now, struct err *e);
/* Drops documents that nobody has asked for or put since an hour before `before`. */
must_check int ledger_documents_expire(struct ledger *l, int64_t before, struct err *e);

/* --- packages --- */

struct sighting {
	const char *url, *index; /* index: its name */
	bool digest_known, size_known;
	struct digest sha256;
	uint64_t size;
	/* given back by ledger_sightings only: */
	int64_t first_seen, last_seen; /* seconds since 1970 */
	int64_t gone_since;	       /* when a good crawl first missed it; 0: it is published */
};

/* How many URLs the index listed at its last good crawl; 0 when there was none. distro and index: names. */
must_check int ledger_live_count(struct ledger *l, const char *distro, const char *index, uint64_t *ret, struct err *e);
/* How many of those are not among the n given, by URL, whatever index they say. */
must_check int ledger_missing_count(struct ledger *l, const char *distro, const char *index, const struct sighting *seen, size_t n,
				    uint64_t *ret, struct err *e);
/* A good crawl of these indexes of a distro, in one transaction: what was seen gets last_seen = now (first_seen too, where it is
 * new; gone_since = 0; digest and size where they are told); what these indexes listed before and is not among seen gets gone_since
 * = now unless it has one. A URL may be listed by several indexes, and twice by one (the last counts). An index of seen that is not
 * among indexes: ERR_USAGE, nothing is recorded. */
must_check int ledger_record(struct ledger *l, const char *distro, const struct strv *indexes, const struct sighting *seen,
			     size_t n, int64_t now, struct err *e);
/* When one of the distro's indexes last listed url: 1 *ret is seconds since 1970, 0 none ever did. */
must_check int ledger_last_seen(struct ledger *l, const char *distro, const char *url, int64_t *ret, struct err *e);
/* All of a distro, ordered by URL, then index. A callback's -1 ends it with its *e. Borrowed. */
must_check int ledger_sightings(struct ledger *l, const char *distro,
				int (*each)(void *context, const struct sighting *s, struct err *e), void *context, struct err *e);

/* --- proofs: what came of booting a kernel with an object --- */

/* What a proof holds for; the same digests, the same outcome. Texts are borrowed. */
struct ledger_proof_key {
	const char *kernel, *kind;
	struct digest object; /* as it is loaded */
	struct digest image;  /* the package with the kernel */
	struct digest guest;  /* what else is in the guest, and what it was told to do */
};

/* Texts are borrowed for putting, and the caller's (ledger_proof_release) when got. */
struct ledger_proof {
	bool passed;
	char *finding, *reason; /* "" when passed */
	struct digest kernel_image;
	uint64_t events, milliseconds;
	char *machine;	/* the emulator and how it ran */
	int64_t proven; /* seconds since 1970 */
};

void ledger_proof_release(struct ledger_proof *p);
#define cleanup_ledger_proof __attribute__((cleanup(ledger_proof_release)))

/* 1 *ret is what came of it, 0 nobody has tried. */
must_check int ledger_proof_get(struct ledger *l, const struct ledger_proof_key *key, struct ledger_proof *ret, struct err *e);
/* Replaces. */
must_check int ledger_proof_put(struct ledger *l, const struct ledger_proof_key *key, const struct ledger_proof *p, struct err *e);

#endif
