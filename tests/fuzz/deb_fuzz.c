/* libFuzzer: any bytes as a deb, all the way to the tree. Corpus: tests/data/package/deb-corpus. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "package/format.h"
#include "package/tree.h"
#include "package/tree_rules.h"
#include "stream/sink.h"
#include "stream/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct tree_rules rules = { .build_dir = (char *)"usr/src/h" };
	static const char *const names[] = { "fuzzed" };
	struct err e = { 0 };
	struct source *package = source_from_memory(bytes, len, &e);
	struct sink *nowhere = sink_digest(NULL, NULL, NULL, &e);
	const struct package_format *format = package_format_find("deb", &e);

	if (package && nowhere && format && tree_write(&package, names, 1, format, 1, &rules, nowhere, NULL, NULL, &e) < 0 &&
	    e.kind == ERR_NONE)
		abort(); /* a failure that says nothing */
	sink_free(nowhere);
	return 0;
}
