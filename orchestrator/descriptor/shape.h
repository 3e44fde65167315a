/* Binds YAML trees to structs by tables: which keys there are, of what type, where their value goes. */
#ifndef ORCHESTRATE_DESCRIPTOR_SHAPE_H
#define ORCHESTRATE_DESCRIPTOR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "descriptor/yaml.h"

/* A document being bound. */
struct reading {
	const char *name; /* of the file, for messages */
	void *root;	  /* the struct that the whole document goes into */
};

/* What a bound text must be beyond being text: NULL when it is fine, else what was expected ("a relative path"). */
typedef const char *text_rule(const char *text);
/* Binds a node by hand. target is the field's place. */
typedef int node_binder(const struct reading *r, const struct yaml_node *node, void *target, struct err *e);

enum field_type {
	FIELD_TEXT,    /* char * */
	FIELD_BOOL,    /* bool */
	FIELD_NUMBER,  /* unsigned, 1 to 1000000 */
	FIELD_TEXTS,   /* struct strv: a list, or one text for a list of one */
	FIELD_MAP,     /* a struct in place, by `shape` */
	FIELD_LIST,    /* struct_type *items followed by size_t count: a list of maps by `shape` */
	FIELD_DICT,    /* the same from a map; each key goes into the item's first member (char *), the value by `shape->value` */
	FIELD_BY_HAND, /* `binder` */
};

enum field_need { FIELD_OPTIONAL, FIELD_REQUIRED };

struct shape;

struct field {
	const char *key; /* NULL ends a table */
	enum field_type type;
	enum field_need need;
	size_t offset;
	const struct shape *shape;
	text_rule *rule;     /* FIELD_TEXT, FIELD_TEXTS (each) */
	node_binder *binder; /* FIELD_BY_HAND */
	size_t given_offset; /* when not 0: a bool that says whether the key was there */
};

struct shape {
	const char *what; /* "a package rule", for messages */
	size_t size;	  /* FIELD_LIST, FIELD_DICT: of one item */
	const struct field *fields;
	/* FIELD_DICT: how the value of an entry binds (key and offset relative to the item); `rule` of the key. */
	const struct field *value;
	text_rule *key_rule;
};

/* Binds a map node into target (zeroed by the caller, who also releases what was bound, after a failure too). */
must_check int shape_bind(const struct shape *shape, const struct reading *r, const struct yaml_node *node, void *target,
			  struct err *e);
/* One value by its field, without the key. */
must_check int field_bind(const struct field *f, const struct reading *r, const struct yaml_node *node, void *target,
			  struct err *e);
/* Text of a node that must be text, borrowed; NULL with *e when it is not. */
const char *node_text(const struct reading *r, const struct yaml_node *node, struct err *e);
/* Fills *e with `file:line:column: ...`, kind ERR_INPUT; returns -1. */
int node_error(const struct reading *r, const struct yaml_node *node, struct err *e, const char *format, ...) printf_like(4, 5);
/* Puts `file:line:column: ` before the message that *e has; returns -1. */
int node_wrap(const struct reading *r, const struct yaml_node *node, struct err *e);

#endif
