/* libFuzzer: any bytes as a web server's page, of directories and of files. Corpus: tests/data/index/listing. */
#include "index_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_parser(index_parse_listing, bytes, len);
	return 0;
}
