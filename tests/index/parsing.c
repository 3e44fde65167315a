#include "parsing.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

struct pieces {
	struct source base;
	const char *bytes;
	size_t left, piece;
};

static ssize_t pieces_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct pieces *p = (struct pieces *)s;
	size_t n = len < p->left ? len : p->left;

	(void)e;
	if (p->piece && n > p->piece)
		n = p->piece;
	if (n)
		memcpy(bytes, p->bytes, n);
	p->bytes += n;
	p->left -= n;
	return (ssize_t)n;
}

static void pieces_free(struct source *s)
{
	(void)s;
}

static const struct source_ops pieces_ops = { pieces_read, pieces_free };

struct lines_out {
	struct item_out base;
	struct buf *lines;
};

static int render(struct buf *b, const struct index_item *item, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	if ((item->is_package ? buf_puts(b, "package", e)
			      : buf_printf(b, e, "%s %u", document_kind_name(item->document), item->level)) < 0 ||
	    buf_printf(b, e, " %s%s", item->reference, item->from_root ? " root" : "") < 0)
		return -1;
	if (item->package && buf_printf(b, e, " from %s %s", item->package, item->version ? item->version : "-") < 0)
		return -1;
	digest_hex(&item->sha256, hex);
	if (item->digest_known && buf_printf(b, e, " sha256 %.8s", hex) < 0)
		return -1;
	if (item->size_known && buf_printf(b, e, " size %" PRIu64, item->size) < 0)
		return -1;
	return buf_puts(b, "\n", e);
}

static int lines_put(struct item_out *out, const struct index_item *item, struct err *e)
{
	cleanup_buf struct buf travelling = { 0 };

	cr_expect_eq(item->is_package, item->chosen, "what these indexes give is chosen");
	return index_item_encode(item, &travelling, e) < 0 ? -1 : render(((struct lines_out *)out)->lines, item, e);
}

void parsed_release(struct parsed *p)
{
	buf_release(&p->lines);
}

void parse_bytes(index_parser *parser, const struct index_rules *rules, unsigned level, const char *bytes, size_t len, size_t piece,
		 struct parsed *ret)
{
	struct pieces source = { .base.ops = &pieces_ops, .bytes = bytes, .left = len, .piece = piece };
	struct lines_out out = { .base.put = lines_put, .lines = &ret->lines };

	ret->rc = parser(&source.base, rules, level, &out.base, &ret->facts, &ret->e);
	if (ret->rc == 0)
		cr_expect_eq(source.left, 0, "everything is read");
	else
		cr_expect_neq(ret->e.kind, ERR_NONE, "a failure says what it is");
}

void read_data(const char *path, struct buf *ret)
{
	struct err e;
	char full[512];

	snprintf(full, sizeof(full), "tests/data/index/%s", path);
	cr_assert_eq(file_read(full, 1 << 20, ret, &e), 0, "%s", e.message);
}

static const size_t piece_sizes[] = { 0, 1, 13 };

void expect_good(index_parser *parser, const struct index_rules *rules, const char *folder, const struct good_row *rows,
		 size_t count)
{
	for (size_t i = 0; i < count * ARRAY_LEN(piece_sizes); i++) {
		const struct good_row *row = &rows[i / ARRAY_LEN(piece_sizes)];
		cleanup_parsed struct parsed p = { 0 };
		cleanup_buf struct buf bytes = { 0 };
		char path[256];
		snprintf(path, sizeof(path), "%s/%s", folder, row->file);
		read_data(path, &bytes);
		parse_bytes(parser, rules, row->level, buf_text(&bytes), bytes.len, piece_sizes[i % ARRAY_LEN(piece_sizes)], &p);
		cr_expect_eq(p.rc, 0, "%s: %s", path, p.e.message);
		cr_expect_str_eq(buf_text(&p.lines), row->lines, "%s gives\n%s", path, buf_text(&p.lines));
		cr_expect_eq(p.facts.entries, row->entries, "%s: %" PRIu64 " entries", path, p.facts.entries);
	}
}

static size_t count_bad_files(const char *folder)
{
	char path[512];
	struct dirent *entry;
	size_t count = 0;

	snprintf(path, sizeof(path), "tests/data/index/%s", folder);
	DIR *d = opendir(path);
	cr_assert(d, "no %s: tests run from the project's directory", path);
	while ((entry = readdir(d)))
		count += str_starts(entry->d_name, "should-fail-");
	closedir(d);
	return count;
}

void expect_bad(index_parser *parser, const struct index_rules *rules, const char *folder, const struct bad_row *rows, size_t count)
{
	for (size_t i = 0; i < count * ARRAY_LEN(piece_sizes); i++) {
		const struct bad_row *row = &rows[i / ARRAY_LEN(piece_sizes)];
		cleanup_parsed struct parsed p = { 0 };
		cleanup_buf struct buf bytes = { 0 };
		char path[256];
		snprintf(path, sizeof(path), "%s/should-fail-%s", folder, row->file);
		read_data(path, &bytes);
		parse_bytes(parser, rules, 0, buf_text(&bytes), bytes.len, piece_sizes[i % ARRAY_LEN(piece_sizes)], &p);
		cr_expect_eq(p.rc, -1, "%s passes", path);
		cr_expect_eq(p.e.kind, row->kind, "%s: %s: %s", path, err_kind_name(p.e.kind), p.e.message);
		cr_expect(strstr(p.e.message, row->message), "%s: %s", path, p.e.message);
	}
	cr_expect_eq(count_bad_files(folder), count, "a file of %s is not tried", folder);
}

void expect_cut_is_corrupt(index_parser *parser, const struct index_rules *rules, const char *path, const char *end)
{
	cleanup_buf struct buf bytes = { 0 };
	size_t whole = 0;

	read_data(path, &bytes);
	for (const char *p = bytes.data; (p = strstr(p, end)); p++)
		whole = (size_t)(p - bytes.data) + strlen(end);
	cr_assert_gt(whole, 0);
	for (size_t len = 0; len < whole; len += 1 + whole / 500) {
		cleanup_parsed struct parsed p = { 0 };
		parse_bytes(parser, rules, 0, bytes.data, len, 0, &p);
		cr_expect_eq(p.rc, -1, "the first %zu bytes of %s pass", len, path);
		cr_expect_eq(p.e.kind, ERR_CORRUPT, "the first %zu bytes of %s: %s", len, path, p.e.message);
	}
}

void add_text(struct strv *v, const char *text)
{
	struct err e;

	cr_assert_eq(strv_add(v, text, &e), 0, "%s", e.message);
}

void replay(int (*target)(const uint8_t *bytes, size_t len), const char *folder)
{
	char path[512];
	struct dirent *entry;
	int played = 0;

	snprintf(path, sizeof(path), "tests/data/index/%s", folder);
	DIR *d = opendir(path);
	cr_assert(d, "no corpus in %s: tests run from the project's directory", path);
	while ((entry = readdir(d))) {
		cleanup_buf struct buf bytes = { 0 };
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		read_data(path, &bytes);
		target((const uint8_t *)buf_text(&bytes), bytes.len);
		played++;
	}
	closedir(d);
	cr_expect_gt(played, 3);
}
