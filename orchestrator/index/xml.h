/* Streamed XML of indexes (https://www.w3.org/TR/xml/, Namespaces in XML 1.0), by libxml2's SAX2. None of these documents has a
 * document type declaration, so one is refused, and with it every entity but the predefined ones. All are UTF-8, whatever they
 * declare. */
#ifndef ORCHESTRATE_INDEX_XML_H
#define ORCHESTRATE_INDEX_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "stream/source.h"

enum {
	XML_NESTING_MAX = 32,
	XML_FIELD_MAX = 4096, /* bytes of a text or attribute that is asked for */
	XML_GAP_MAX = 1 << 20 /* bytes in which nothing ends: a tag or comment so long */
};

struct xml_element {
	const char *name;	 /* without prefix */
	const char *space;	 /* namespace URI, empty for none */
	unsigned depth;		 /* 0 is the root */
	const void **attributes; /* for xml_attribute */
	int attribute_count;
};

/* Each gives -1 with *e to end the reading. */
struct xml_handler {
	/* 1: the element holds text, wanted at its end; an element inside is then ERR_CORRUPT. 0: it does not matter. */
	int (*open)(void *context, const struct xml_element *element, struct err *e);
	/* text: NULL unless it was wanted. No attributes here. */
	int (*close)(void *context, const struct xml_element *element, const char *text, struct err *e);
};

/* Reads all of in. Not well-formed, cut short, or a web page: ERR_CORRUPT with the line; a document type: ERR_HOSTILE; beyond the
 * numbers above: ERR_LIMIT. */
must_check int xml_read(struct source *in, const struct xml_handler *handler, void *context, struct err *e);

/* Replaces *ret by the value of an attribute, `base` with the xml prefix or any without: 1, or 0 when there is none (*ret is then
 * empty). */
must_check int xml_attribute(const struct xml_element *element, const char *name, struct buf *ret, struct err *e);
/* 0 for an element of that name, else ERR_CORRUPT: for roots. space NULL: any. */
must_check int xml_expect(const struct xml_element *element, const char *name, const char *space, struct err *e);

#endif
