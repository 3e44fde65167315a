/* libFuzzer: any bytes as a page of an object store's listing. Corpus: tests/data/index/bucket. */
#include "index_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_parser(index_parse_bucket, bytes, len);
	return 0;
}
