/* The corpus of fuzz-packages, played back through the same entry. */
#include <criterion/criterion.h>

#include "parsing.h"

#define LLVMFuzzerTestOneInput packages_target
#include "../fuzz/packages_fuzz.c"
#undef LLVMFuzzerTestOneInput

Test(apt_corpus, replays)
{
	replay(packages_target, "packages");
	replay(packages_target, "release");
	replay(packages_target, "mirror-list");
	replay(packages_target, "signed");
}
