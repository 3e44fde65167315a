/* Binds YAML trees to structs by tables: which keys there are, of what type, where their value goes. */
#ifndef ORCHESTRATE_DESCRIPTOR_SHAPE_H
#define ORCHESTRATE_DESCRIPTOR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "descriptor/node.h"

enum field_type {
	FIELD_TEXT,    /* char * */
	FIELD_BOOL,    /* bool */
	FIELD_NUMBER,  /* unsigned, 1 to 1000000 */
	FIELD_WORD,    /* an enum: the index in `words` */
	FIELD_TEXTS,   /* struct strv: a list of texts, or one text for a list of one */
	FIELD_MAP,     /* a struct in place, by `shape` */
	FIELD_LIST,    /* an allocated array of structs and its size_t at count_offset: a list of maps, each by `shape` */
	FIELD_DICT,    /* the same from one map: each key goes into the item's first member (a char *), its value by shape->value */
	FIELD_BY_HAND, /* `binder` */
};

enum field_need { FIELD_OPTIONAL, FIELD_REQUIRED };

struct shape;

/* What a bound text must be beyond being text: 0, or -1 with *e that says what was expected. */
typedef int text_rule(const char *text, struct err *e);
/* Binds a node; target is the field's place. Errors carry their place in the file already. */
typedef int node_binder(const char *file, const struct node *node, void *target, struct err *e);
/* Looks at a struct whose fields are all bound. Errors without a place: they get that of the map. */
typedef int shape_check(const void *target, struct err *e);

struct field {
	const char *key; /* NULL ends a table */
	enum field_type type;
	enum field_need need;
	size_t offset;
	size_t count_offset;	   /* FIELD_LIST, FIELD_DICT */
	size_t given_offset;	   /* when not 0: of a bool that says whether the key was there */
	bool empty_ok;		   /* FIELD_TEXT: may be "" */
	text_rule *rule;	   /* FIELD_TEXT, FIELD_TEXTS (each); NULL: any text */
	const char *const *words;  /* FIELD_WORD, NULL-terminated */
	const struct shape *shape; /* FIELD_BY_HAND: of the map or maps that the binder binds, or NULL */
	node_binder *binder;
};

struct shape {
	const char *what;	    /* for messages: "package rule" */
	size_t size;		    /* of the struct */
	const struct field *fields; /* FIELD_MAP, FIELD_LIST */
	const struct field *value;  /* FIELD_DICT: one field, its key is not used */
	text_rule *key_rule;	    /* FIELD_DICT */
	shape_check *check;	    /* or NULL */
};

/* Binds a map into target, which the caller has zeroed and releases, also after a failure. Where the document's mistakes are
 * gathered (node_parse) each key's is, and *e is cleared when it fails for these alone; what looks at the whole does so when there
 * was none. A binder that stops at its first mistake is as good as one that gathers them with node_gather. */
must_check int shape_bind(const struct shape *shape, const char *file, const struct node *node, void *target, struct err *e);
/* Adds all keys that may be in such a map, and in the maps below it, with dots between: "kernel.packages.role". */
must_check int shape_keys(const struct shape *shape, const char *prefix, struct strv *ret, struct err *e);
/* The text of a node that must be text, borrowed; NULL with *e when it is something else. */
const char *node_text(const char *file, const struct node *node, struct err *e);
/* 1 to 1000000. */
must_check int node_number(const char *file, const struct node *node, unsigned *ret, struct err *e);
/* Fills *e with `file:line:column: ...`, kind ERR_INPUT; returns -1. */
int node_error(const char *file, const struct node *node, struct err *e, const char *format, ...) printf_like(4, 5);
/* Puts `file:line:column` before the message in *e; returns -1. */
int node_wrap(const char *file, const struct node *node, struct err *e);

/* Rules that several files share. */
int rule_name(const char *text, struct err *e);	      /* [a-z0-9][a-z0-9.-]*, at most 64 bytes */
int rule_plain_path(const char *text, struct err *e); /* path_is_plain */
int rule_base_url(const char *text, struct err *e);   /* http, https or file, no slash at the end, no blanks, no query */
int rule_pattern(const char *text, struct err *e);    /* kernel/pattern.h */
int rule_floor(const char *text, struct err *e);      /* kernel/floor.h */
int rule_release(const char *text, struct err *e);    /* floor_check_release */
node_binder bind_arch;				      /* const struct arch * */

#endif
