/* Kernels that are published in one of the ways that an index can have: by the distributions' own tools, in a directory that a web
 * server shows. Kernel n has the same few packages in all of them. */
#ifndef TESTS_INTEGRATION_PUBLISHED_H
#define TESTS_INTEGRATION_PUBLISHED_H

#include "base/buf.h"
#include "checkout.h"
#include "repository.h"

enum { PUBLISHED_GROUPS = 3, PUBLISHED_FILES = 3 };

struct published;

struct published_kind {
	const char *name;
	const char *example; /* tests/data/integration/<example>.yaml fits it */
	/* What kernel n has, paths with n as %1$u, in the order of a list: the first group's files of all kernels, then the next's.
	 */
	const char *files[PUBLISHED_GROUPS][PUBLISHED_FILES];
	const char *suffix; /* of the files on the disk; NULL: none */
	bool digests;	    /* the index states them */
	bool unchanged;	    /* an index that has not changed is not transferred again */
	/* Makes a kernel's packages. */
	void (*put)(const struct published *p, unsigned n);
	/* Makes the index anew; NULL: the directory is the index. */
	void (*publish)(const struct published *p);
	/* The index's YAML below `- name: main`, indented by four blanks. Caller frees. */
	char *(*rules)(const struct published *p, const char *url);
};

extern const struct published_kind published_apt, published_apt_by_hash, published_apt_zst, published_yum_gz, published_yum_xz,
	published_yum_zst, published_listing, published_json, published_bucket, published_s3;

struct published {
	const struct published_kind *kind;
	char *dir;
	const struct signing *key;
	struct apt_archive apt; /* of the apt kinds */
};

/* Nothing published yet. dir: below the server's root. */
void published_make(struct published *p, const struct published_kind *kind, const char *dir, const struct signing *key);
void published_release(struct published *p);
/* Kernel n appears, vanishes or comes back as it was, and the index says so. */
void published_put(const struct published *p, unsigned n);
void published_drop(const struct published *p, unsigned n);
void published_return(const struct published *p, unsigned n);

/* A descriptor's `indexes:` with one index, main, of the published at url; extra: further lines of that index, each indented by
 * four blanks. Caller frees. */
char *published_indexes(const struct published *p, const char *url, const char *extra);
/* The list of these kernels (0 ends them, ascending), and their digests. Caller frees. */
char *published_list(const struct published *p, const char *url, const unsigned *kernels);
char *published_digests(const struct published *p, const char *url, const unsigned *kernels);

#endif
