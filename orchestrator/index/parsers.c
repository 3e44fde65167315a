#include "index/parse.h"

static index_parser *const parsers[DOCUMENT_KIND_COUNT] = {
	[DOCUMENT_RELEASE] = index_parse_release,	  [DOCUMENT_PACKAGES] = index_parse_packages,
	[DOCUMENT_MIRROR_LIST] = index_parse_mirror_list, [DOCUMENT_REPOMD] = index_parse_repomd,
	[DOCUMENT_PRIMARY] = index_parse_primary,	  [DOCUMENT_LISTING] = index_parse_listing,
	[DOCUMENT_BUCKET] = index_parse_bucket,		  [DOCUMENT_JSON] = index_parse_json,
};

index_parser *index_parser_of(enum document_kind kind)
{
	return parsers[kind];
}
