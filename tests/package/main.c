/* This program is the filter too: what the tests start in confinement is itself. */
#include <criterion/criterion.h>
#include <string.h>

#include "package/repack.h"
#include "package/unpack.h"
#include "stream/filter.h"

int main(int argc, char **argv)
{
	struct err e;

	if (argc > 2 && strcmp(argv[1], "filter") == 0) {
		int rc = strcmp(argv[2], "tree") == 0	  ? tree_filter_run(argc - 2, argv + 2, &e)
			 : strcmp(argv[2], "repack") == 0 ? repack_filter_run(argc - 2, argv + 2, &e)
			 : strcmp(argv[2], "file") == 0	  ? file_filter_run(argc - 2, argv + 2, &e)
							  : facts_filter_run(argc - 2, argv + 2, &e);
		return rc < 0 ? filter_report(&e) : 0;
	}
	struct criterion_test_set *tests = criterion_initialize();
	int result = 0;
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
