/* index: one published index of packages, bytes in, items out. apt archives, yum repositories, HTML directory listings,
 * object-store listings and JSON documents. Untrusted bytes are parsed in the filter process (parse.h); nothing is fetched here,
 * and what the packages mean is not known here.
 *
 * An index is walked document by document (document.h): each document gives packages and the further documents to read. */
#ifndef ORCHESTRATE_INDEX_RULES_H
#define ORCHESTRATE_INDEX_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "stream/digest.h"

enum index_kind { INDEX_APT, INDEX_YUM, INDEX_HTML, INDEX_BUCKET, INDEX_JSON, INDEX_KIND_COUNT };

/* What to do about an apt archive whose Release file says that it is out of date (Valid-Until). */
enum index_expiry { EXPIRY_REFUSE, EXPIRY_ACCEPT };

/* One member that a JSON node must have: its text, number or boolean as text, matched whole by a pattern. */
struct json_condition {
	char *member;  /* object key, or array index in decimal */
	char *pattern; /* kernel/pattern.h */
};

/* One level of a JSON index. */
struct json_step {
	/* From the root to the nodes: object keys as they are, `*` each element of an array or each value of an object, `@` each
	 * key of an object. */
	struct strv path;
	struct json_condition *where; /* all must hold */
	size_t where_count;
	/* URL reference made of a node: ${value} is a text or number itself, ${KEY} or ${0} a member of an object or array, all
	 * percent-encoded where a path needs it. The last step's references are packages, those of the others documents. */
	char *reference;
};

/* How a private index lets us in. Each is the name of an environment variable; its value is the thing itself for token, and the
 * path of a PEM file for the other three. With `_FILE` behind the name the variable holds the path of a file with the token. Values
 * never get into a log, a message, a list or the ledger. */
struct index_access {
	char *token; /* NULL: none needed */
	enum { TOKEN_BEARER, TOKEN_BASIC, TOKEN_QUERY } token_as;
	char *token_user;  /* TOKEN_BASIC: the user's name beside it [bearer] */
	char *certificate; /* client certificate; NULL: none needed */
	char *key;
	char *authority; /* CA bundle; NULL or unset: the system's */
};

/* Plain data, out of a descriptor. */
struct index_rules {
	char *name; /* unique within its distro */
	enum index_kind kind;
	/* Public URLs where it begins, each read for itself, without a slash at the end. apt: archive roots (above dists/); yum:
	 * repositories (above repodata/); html: directories; bucket: the bucket's URL; json: documents. */
	struct strv urls;
	struct strv packages;	 /* patterns, any of them on the whole file name: what of the index belongs to the list */
	struct strv exclude;	 /* patterns on the whole file name that take out again */
	unsigned shrink_percent; /* the index may list so much less than at its last good crawl [10] */
	struct index_access access;

	/* apt */
	struct strv suites, components, architectures;
	struct strv depends; /* patterns on whole package names: what the Depends of a taken package name, and it is in the index,
				is taken too, and so on */
	char *keyring;	     /* apt, yum: file with the public keys that must have signed it; NULL: unsigned (yum only) */
	enum index_expiry expiry;
	/* yum */
	char *mirror_list; /* URL of a text whose lines are repository URLs; urls is empty then. The first good one is taken */
	/* html */
	struct strv descend; /* a pattern for each level of directories, on the whole name (percent-decoded, no
				slash at its end); packages are looked for below the last level only */
	/* bucket */
	char *prefix; /* asked of the store; NULL: everything. packages are patterns on the whole key */
	/* json */
	struct json_step *steps;
	size_t step_count;
};

void index_rules_release(struct index_rules *r);
/* What a descriptor can't check by shape: needed and foreign members of a kind. ERR_INPUT says what is expected. */
must_check int index_rules_check(const struct index_rules *r, struct err *e);
/* For the filter's argument; access is left out. Caller frees. */
char *index_rules_encode(const struct index_rules *r, struct err *e);
must_check int index_rules_decode(const char *json, struct index_rules *ret, struct err *e);
/* Of everything that decides what a document gives: a document parsed under other rules must be parsed again. Includes a number
 * that stands for the parsers' own version. */
must_check int index_rules_digest(const struct index_rules *r, struct digest *ret, struct err *e);

#define cleanup_index_rules __attribute__((cleanup(index_rules_release)))

#endif
