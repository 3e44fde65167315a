#include "index/parse.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "stream/decompress_source.h"
#include "stream/filter.h"

enum {
	DOCUMENT_FD = 3,
	FLUSH_BYTES = 32 * 1024,
	DECODER_MB = 160, /* what an .xz may need: its largest preset takes 65 */
};

DEFINE_CLEANUP(filter, struct filter, filter_free)
DEFINE_CLEANUP(source, struct source, source_free)

static int start(const char *program, int fd, const struct index_rules *rules, enum document_kind kind, unsigned level, int out_fd,
		 struct filter **ret, struct err *e)
{
	const struct process_fd fds[] = { { out_fd, STDOUT_FILENO }, { fd, DOCUMENT_FD } };
	cleanup_free char *json = index_rules_encode(rules, e);
	char level_text[16];

	if (!json)
		return -1;
	snprintf(level_text, sizeof(level_text), "%u", level);
	const char *const argv[] = { "index", document_kind_name(kind), level_text, json, NULL };
	return filter_start(program, argv, fds, ARRAY_LEN(fds), ret, e);
}

int index_parse(const char *program, int fd, const char *name, const struct index_rules *rules, enum document_kind kind,
		unsigned level, struct buf *ret, const struct cancel *cancel, struct err *e)
{
	cleanup_of(filter) struct filter *filter = NULL;
	cleanup_buf struct buf items = { 0 };
	int fds[2];

	if (fd_pipe(fds, e) < 0)
		return -1;
	cleanup_close int out = fds[0];
	int rc = start(program, fd, rules, kind, level, fds[1], &filter, e);
	close(fds[1]);
	if (rc < 0 || filter_read(out, INDEX_ITEMS_MAX_BYTES, &items, cancel, e) < 0 || filter_wait(filter, cancel, e) < 0)
		return err_wrap(e, "'%s'", name);
	return buf_append(ret, items.data, items.len, e);
}

/* Items to descriptor 1. */
struct line_out {
	struct item_out base;
	struct buf text;
};

static int line_put(struct item_out *out, const struct index_item *item, struct err *e)
{
	struct line_out *lines = (struct line_out *)out;

	if (index_item_encode(item, &lines->text, e) < 0)
		return -1;
	if (lines->text.len < FLUSH_BYTES)
		return 0;
	int rc = fd_write_all(STDOUT_FILENO, lines->text.data, lines->text.len, e);
	buf_clear(&lines->text);
	return rc;
}

static int parse(struct source *in, index_parser *parser, const struct index_rules *rules, unsigned level, struct err *e)
{
	struct line_out out = { .base.put = line_put };
	struct document_facts facts = { 0 };

	int rc = parser(in, rules, level, &out.base, &facts, e);
	/* Whatever a parser left unread must be sound too. */
	if (!rc)
		rc = source_drain(in, e);
	if (!rc)
		rc = document_facts_encode(&facts, &out.text, e);
	if (!rc)
		rc = fd_write_all(STDOUT_FILENO, out.text.data, out.text.len, e);
	buf_release(&out.text);
	return rc;
}

int index_filter_run(int argc, char **argv, struct err *e)
{
	const struct filter_limits limits = {
		.memory_bytes = (uint64_t)1 << 30,
		.cpu_seconds = 120,
		.file_bytes = INDEX_ITEMS_MAX_BYTES,
	};
	cleanup_index_rules struct index_rules rules = { 0 };
	unsigned long long level;
	enum document_kind kind;

	if (argc != 4)
		return err_set(e, ERR_USAGE, "filter: KIND, LEVEL and RULES expected");
	if (document_kind_parse(argv[1], &kind, e) < 0 || str_to_u64(argv[2], 1000, &level, e) < 0 ||
	    index_rules_decode(argv[3], &rules, e) < 0)
		return -1;
	/* Every further arena of the allocator reserves 64 MiB or more of address space, which is what the limit counts. */
	mallopt(M_ARENA_MAX, 1);
	if (lseek(DOCUMENT_FD, 0, SEEK_SET) < 0)
		return err_system(e, errno, "reading a document from its start");
	if (filter_confine(&limits, e) < 0)
		return -1;
	struct source *file = source_from_fd(DOCUMENT_FD, false, e);
	cleanup_of(source) struct source *in =
		file ? source_decompress(file, (uint64_t)DECODER_MB << 20, (uint64_t)INDEX_DECODED_MAX_MB << 20, e) : NULL;
	return in ? parse(in, index_parser_of(kind), &rules, (unsigned)level, e) : -1;
}
