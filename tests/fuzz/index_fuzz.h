/* What the fuzz targets of the index parsers share. The same checks hold when a corpus is played back under Criterion. */
#ifndef TESTS_FUZZ_INDEX_FUZZ_H
#define TESTS_FUZZ_INDEX_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "index/parse.h"
#include "stream/source.h"

/* Whatever a parser gives must be fit to travel, that is: a URL reference and UTF-8. */
static int fuzz_put(struct item_out *out, const struct index_item *item, struct err *e)
{
	struct buf line = { 0 };

	(void)out;
	if (index_item_encode(item, &line, e) < 0 && item->is_package && !item->package)
		abort();
	buf_release(&line);
	return 0;
}

/* Takes every name, with one level of directories. */
static inline void fuzz_parser(index_parser *parser, const uint8_t *bytes, size_t len)
{
	char *any = (char *)".*", *both[] = { any, NULL };
	const struct index_rules rules = { .packages = { both, 1, 1 }, .descend = { both, 1, 1 }, .prefix = (char *)"1" };
	struct item_out out = { fuzz_put };

	for (unsigned level = 0; level < 2; level++) {
		struct document_facts facts;
		struct err e = { 0 };
		struct source *in = source_from_memory(bytes, len, &e);
		if (in && parser(in, &rules, level, &out, &facts, &e) < 0 && e.kind == ERR_NONE)
			abort(); /* a failure that says nothing */
		source_free(in);
	}
}

#endif
