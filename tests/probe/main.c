/* Linked with every room, as what is no room is: without a main of its own this program would be orchestrate, not tests. */
#include <criterion/criterion.h>

int main(int argc, char **argv)
{
	struct criterion_test_set *tests = criterion_initialize();
	int result = 0;

	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
