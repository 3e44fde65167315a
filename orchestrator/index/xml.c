#include "index/xml.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

enum { HEAD_BYTES = 512 };

struct reading {
	struct source *in;
	const struct xml_handler *handler;
	void *context;
	xmlParserCtxt *parser;
	struct buf text;
	unsigned depth;
	bool collecting;
	size_t gap; /* bytes since something was told */
	char head[HEAD_BYTES + 1];
	size_t head_len;
	struct err *e;
	bool failed; /* *e is set */
};

/* No more is told, no more is read: the parser comes to its end over what it holds. (xmlStopParser frees the buffer that the
 * parser may be in the midst of when it tells of an error.) */
static void stop(struct reading *r)
{
	r->failed = true;
	r->parser->disableSAX = 1;
}

/* What libxml2 asks for while nothing has been told grows its buffers: that has its own, lower bound than theirs. */
static int take_bytes(struct reading *r, const char *bytes, size_t len)
{
	if (r->head_len < HEAD_BYTES) {
		size_t n = len < HEAD_BYTES - r->head_len ? len : HEAD_BYTES - r->head_len;
		memcpy(r->head + r->head_len, bytes, n);
		r->head_len += n;
	}
	if (memchr(bytes, '\0', len))
		return err_set(r->e, ERR_CORRUPT, "has a NUL byte");
	r->gap += len;
	if (r->gap > XML_GAP_MAX)
		return err_set(r->e, ERR_LIMIT, "a tag or comment is longer than %d bytes", XML_GAP_MAX);
	return 0;
}

/* As much as is asked for: what comes in small pieces libxml2 takes for the end, as it looks ahead. */
static int read_bytes(void *context, char *bytes, int len)
{
	struct reading *r = context;
	size_t have = 0;
	ssize_t n = 1;

	while (!r->failed && n > 0 && have < (size_t)len) {
		n = source_read(r->in, bytes + have, (size_t)len - have, r->e);
		if (n < 0 || take_bytes(r, bytes + have, (size_t)n) < 0)
			r->failed = true;
		else
			have += (size_t)n;
	}
	return r->failed ? -1 : (int)have;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
		     const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	struct reading *r = context;
	const struct xml_element element = { (const char *)name, uri ? (const char *)uri : "", r->depth++,
					     (const void **)attributes, attribute_count };

	(void)prefix, (void)namespace_count, (void)namespaces, (void)defaulted;
	r->gap = 0;
	if (r->failed)
		return;
	int rc = r->depth > XML_NESTING_MAX ? err_set(r->e, ERR_LIMIT, "elements are nested deeper than %d", XML_NESTING_MAX)
		 : r->collecting	    ? err_set(r->e, ERR_CORRUPT, "an element '%.40s' where text belongs", element.name)
					    : r->handler->open(r->context, &element, r->e);
	if (rc < 0)
		return stop(r);
	r->collecting = rc;
	buf_clear(&r->text);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *r = context;
	const struct xml_element element = { (const char *)name, uri ? (const char *)uri : "", --r->depth, NULL, 0 };

	(void)prefix;
	r->gap = 0;
	if (!r->failed && r->handler->close(r->context, &element, r->collecting ? buf_text(&r->text) : NULL, r->e) < 0)
		stop(r);
	r->collecting = false;
}

static void on_text(void *context, const xmlChar *text, int len)
{
	struct reading *r = context;

	r->gap = 0;
	if (!r->collecting || r->failed)
		return;
	if (r->text.len + (size_t)len > XML_FIELD_MAX)
		err_set(r->e, ERR_LIMIT, "a text is longer than %d bytes", XML_FIELD_MAX);
	else if (buf_append(&r->text, text, (size_t)len, r->e) == 0)
		return;
	stop(r);
}

static void on_comment(void *context, const xmlChar *text)
{
	(void)text;
	((struct reading *)context)->gap = 0;
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
	(void)target, (void)data;
	((struct reading *)context)->gap = 0;
}

static void on_document_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	struct reading *r = context;

	(void)external, (void)system;
	if (r->failed)
		return;
	err_set(r->e, ERR_HOSTILE, "has a document type declaration, '%.40s'", (const char *)name);
	stop(r);
	/* Here it may be called, and it must be: entities would be declared, though to nobody. */
	xmlStopParser(r->parser);
}

static void on_error(void *context, xmlError *error)
{
	struct reading *r = context;

	if (r->failed || error->level < XML_ERR_ERROR)
		return;
	/* A namespace mistake is no fatal one to libxml2; to us the document is not what it should be. */
	const char *text = error->message ? error->message : "unknown mistake";
	if (error->code == XML_ERR_NO_MEMORY)
		err_no_memory(r->e);
	else
		err_set(r->e, ERR_CORRUPT, "line %d: %.*s", error->line, (int)strcspn(text, "\n"), text);
	stop(r);
}

static const xmlSAXHandler handlers = {
	.initialized = XML_SAX2_MAGIC,
	.internalSubset = on_document_type,
	.characters = on_text,
	.ignorableWhitespace = on_text,
	.cdataBlock = on_text,
	.comment = on_comment,
	.processingInstruction = on_instruction,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.serror = on_error,
};

/* An error page is what most often stands where an index should be: its first syntax error says less than that. */
static int explain_page(struct reading *r)
{
	ssize_t n = 1;

	if (r->e->kind != ERR_CORRUPT && r->e->kind != ERR_HOSTILE)
		return -1;
	while (n > 0 && r->head_len < HEAD_BYTES) {
		n = source_read(r->in, r->head + r->head_len, HEAD_BYTES - r->head_len, NULL);
		r->head_len += n > 0 ? (size_t)n : 0;
	}
	if (strcasestr(r->head, "<html") || strcasestr(r->head, "<!doctype html"))
		err_set(r->e, ERR_CORRUPT, "is an HTML page");
	return -1;
}

static int read_document(struct reading *r)
{
	xmlSAXHandler sax = handlers;

	r->parser = xmlCreateIOParserCtxt(&sax, r, read_bytes, NULL, r, XML_CHAR_ENCODING_NONE);
	if (!r->parser)
		return r->failed ? -1 : err_no_memory(r->e);
	/* All of these documents are UTF-8, and another encoding would have a table loaded. Without NOENT attributes would come
	 * with `&#38;` for `&`. There is nothing else to put in: see on_document_type. */
	xmlCtxtUseOptions(r->parser, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC);
	int rc = xmlParseDocument(r->parser);
	if (!r->failed && (rc < 0 || !r->parser->wellFormed)) {
		err_set(r->e, ERR_CORRUPT, "is not well-formed XML");
		r->failed = true;
	}
	xmlFreeDoc(r->parser->myDoc);
	xmlFreeParserCtxt(r->parser);
	return r->failed ? explain_page(r) : source_drain(r->in, r->e);
}

int xml_read(struct source *in, const struct xml_handler *handler, void *context, struct err *e)
{
	struct err own = { 0 };
	struct reading r = { .in = in, .handler = handler, .context = context, .e = e ? e : &own };
	int rc = read_document(&r);

	buf_release(&r.text);
	return rc;
}

/* SAX2 gives five pointers per attribute: name, prefix, namespace, value, end of value. */
int xml_attribute(const struct xml_element *element, const char *name, struct buf *ret, struct err *e)
{
	buf_clear(ret);
	for (int i = 0; i < element->attribute_count; i++) {
		const char *const *a = (const char *const *)element->attributes + (size_t)i * 5;
		if (strcmp(a[0], name) != 0 || (a[1] && strcmp(a[1], "xml") != 0))
			continue;
		if (a[4] - a[3] > XML_FIELD_MAX)
			return err_set(e, ERR_LIMIT, "attribute '%s' is longer than %d bytes", name, XML_FIELD_MAX);
		return buf_append(ret, a[3], (size_t)(a[4] - a[3]), e) < 0 ? -1 : 1;
	}
	return 0;
}

int xml_expect(const struct xml_element *element, const char *name, const char *space, struct err *e)
{
	if (strcmp(element->name, name) == 0 && (!space || strcmp(element->space, space) == 0))
		return 0;
	return err_set(e, ERR_CORRUPT, "begins with '%.40s', not with '%s'", element->name, name);
}
