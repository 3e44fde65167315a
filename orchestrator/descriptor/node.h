/* A YAML 1.1 document as a tree, and nothing that a descriptor does not need: no anchors, no aliases, no tags, one document,
 * text keys that occur once. libyaml stays behind this header. */
#ifndef ORCHESTRATE_DESCRIPTOR_NODE_H
#define ORCHESTRATE_DESCRIPTOR_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	NODE_MAX_BYTES = 1 << 20,
	NODE_MAX_NODES = 20000,
	NODE_MAX_DEPTH = 12,
	NODE_MAX_TEXT = 8192, /* bytes in one text */
};

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node;

struct node_entry {
	char *key; /* NULL in lists */
	unsigned key_line, key_column;
	struct node *value;
};

struct node {
	enum node_kind kind;
	unsigned line, column;	    /* from 1 */
	char *text;		    /* NODE_TEXT: without control bytes other than tab and LF */
	bool plain;		    /* NODE_TEXT: neither quoted nor a block, so it may be a number, a boolean or nothing */
	struct node_entry *entries; /* NODE_LIST, NODE_MAP: in the order of the file */
	size_t count;
};

/* Errors: ERR_INPUT or ERR_LIMIT, `name:line:column: text`. An empty document is an error. */
must_check int node_parse(const char *bytes, size_t len, const char *name, struct node **ret, struct err *e);
void node_free(struct node *node);

DEFINE_CLEANUP(node, struct node, node_free)

#endif
