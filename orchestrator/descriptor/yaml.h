/* A YAML 1.1 document as a tree, and nothing that a descriptor does not need: no anchors, no aliases, no tags, one document,
 * text keys that occur once. libyaml stays behind this header. */
#ifndef ORCHESTRATE_DESCRIPTOR_YAML_H
#define ORCHESTRATE_DESCRIPTOR_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	YAML_MAX_BYTES = 1 << 20,
	YAML_MAX_NODES = 20000,
	YAML_MAX_DEPTH = 12,
	YAML_MAX_TEXT = 8192, /* bytes in one text */
};

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node;

struct yaml_entry {
	char *key; /* NULL in lists */
	unsigned key_line, key_column;
	struct yaml_node *value;
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column;	    /* from 1 */
	char *text;		    /* YAML_TEXT: without control bytes other than tab and LF */
	bool plain;		    /* YAML_TEXT: neither quoted nor a block, so it may be a number, a boolean or nothing */
	struct yaml_entry *entries; /* YAML_LIST, YAML_MAP: in the order of the file */
	size_t count;
};

/* Errors: ERR_INPUT or ERR_LIMIT, `name:line:column: text`. An empty document is an error. */
must_check int yaml_parse(const char *bytes, size_t len, const char *name, struct yaml_node **ret, struct err *e);
void yaml_node_free(struct yaml_node *node);

DEFINE_CLEANUP(yaml_node, struct yaml_node, yaml_node_free)

#endif
