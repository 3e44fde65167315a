/* This program is the filter too: what the tests start in confinement is itself. */
#include <criterion/criterion.h>
#include <string.h>

#include "gate/object_file.h"
#include "gate/result.h"
#include "stream/filter.h"

int main(int argc, char **argv)
{
	struct err e;

	if (argc > 2 && strcmp(argv[1], "filter") == 0) {
		int rc = strcmp(argv[2], "object") == 0 ? object_filter_run(argc - 2, argv + 2, &e)
							: result_filter_run(argc - 2, argv + 2, &e);
		return rc < 0 ? filter_report(&e) : 0;
	}
	struct criterion_test_set *tests = criterion_initialize();
	int result = 0;
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
