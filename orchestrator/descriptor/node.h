/* A YAML 1.1 document as a tree, and nothing that a descriptor does not need: no anchors, no aliases, no tags, one document,
 * text keys that occur once. libyaml stays behind this header. */
#ifndef ORCHESTRATE_DESCRIPTOR_NODE_H
#define ORCHESTRATE_DESCRIPTOR_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
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
	struct strv *findings; /* borrowed; see node_parse */
};

/* Errors: ERR_INPUT or ERR_LIMIT, `name:line:column: text`. An empty document is an error.
 *
 * findings NULL: the first mistake is the error. Else mistakes are gathered there, each a text as that of an error, and all who
 * read the tree add theirs (node_gather). What can be read past is only there then, and the caller looks at findings; what ends the
 * reading (YAML's syntax) is the error, and the last of the findings. */
must_check int node_parse(const char *bytes, size_t len, const char *name, struct strv *findings, struct node **ret, struct err *e);
/* After a failure that concerns what is in this node: where mistakes are gathered, it is put there unless that has been done, *e is
 * cleared, and 0 says that the reading may go on with what is next. Else -1, and *e is as it was. */
must_check int node_gather(const struct node *node, struct err *e);
void node_free(struct node *node);

DEFINE_CLEANUP(node, struct node, node_free)

#endif
