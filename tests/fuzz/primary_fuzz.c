/* libFuzzer: any bytes as yum's primary.xml and as repomd.xml. Corpus: tests/data/index/primary. */
#include "index_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_parser(index_parse_primary, bytes, len);
	fuzz_parser(index_parse_repomd, bytes, len);
	return 0;
}
