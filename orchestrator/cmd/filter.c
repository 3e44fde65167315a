/* The hidden subcommand behind stream/filter.h: `orchestrate filter NAME ...` is this program as a sandboxed parser. */
#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "gate/object_file.h"
#include "gate/result.h"
#include "index/parse.h"
#include "package/repack.h"
#include "package/unpack.h"
#include "sign/module.h"
#include "stream/filter.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, struct err *e);
} filters[] = {
	{ "tree", tree_filter_run },	 { "facts", facts_filter_run },	  { "repack", repack_filter_run },
	{ "result", result_filter_run }, { "object", object_filter_run }, { "index", index_filter_run },
	{ "module", module_filter_run }, { "file", file_filter_run },
};

int cmd_filter(int argc, char **argv)
{
	struct err e;

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(filters); i++)
		if (strcmp(argv[1], filters[i].name) == 0)
			return filters[i].run(argc - 1, argv + 1, &e) < 0 ? filter_report(&e) : EXIT_GOOD;
	err_set(&e, ERR_USAGE, "filter: no filter '%s'", argc > 1 ? argv[1] : "");
	return filter_report(&e);
}
