/* libFuzzer: any bytes as apt's Packages, Release and signed text, as a mirror list and as armored keys. Corpus:
 * tests/data/index/packages. */
#include "index/armor.h"
#include "index_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int packages_put(struct item_out *out, const struct index_item *item, struct err *e)
{
	struct buf line = { 0 };

	(void)out;
	if (index_item_encode(item, &line, e) < 0)
		abort(); /* these parsers give nothing that can't travel */
	buf_release(&line);
	return 0;
}

static void packages_armor(const char *bytes, size_t len)
{
	struct buf text = { 0 }, signature = { 0 }, keys = { 0 };
	struct err e;

	if (armor_split_signed(bytes, len, &text, &signature, &e) == 0 && text.len > len)
		abort();
	if (armor_decode_keys(bytes, len, &keys, &e) == 0 && keys.len > len)
		abort();
	buf_release(&text);
	buf_release(&signature);
	buf_release(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static index_parser *const parsers[] = { index_parse_packages, index_parse_release, index_parse_mirror_list };
	char *any = (char *)".*", *main_ = (char *)"main", *amd64 = (char *)"amd64";
	char *all[] = { any, NULL }, *components[] = { main_, NULL }, *architectures[] = { amd64, NULL };
	const struct index_rules rules = { .packages = { all, 1, 1 },
					   .components = { components, 1, 1 },
					   .architectures = { architectures, 1, 1 } };
	struct item_out out = { packages_put };

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		struct document_facts facts;
		struct err e = { 0 };
		struct source *in = source_from_memory(bytes, len, &e);
		if (in && parsers[i](in, &rules, 0, &out, &facts, &e) < 0 && e.kind == ERR_NONE)
			abort(); /* a failure that says nothing */
		source_free(in);
	}
	packages_armor((const char *)bytes, len);
	return 0;
}
