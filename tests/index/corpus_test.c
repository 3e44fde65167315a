/* The fuzz targets' corpora, played back through the same entries. */
#include <criterion/criterion.h>

#include "parsing.h"

#define LLVMFuzzerTestOneInput primary_target
#include "../fuzz/primary_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput listing_target
#include "../fuzz/listing_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput bucket_target
#include "../fuzz/bucket_fuzz.c"
#undef LLVMFuzzerTestOneInput

Test(index_corpus, replays)
{
	replay(primary_target, "primary");
	replay(primary_target, "repomd");
	replay(listing_target, "listing");
	replay(bucket_target, "bucket");
}
