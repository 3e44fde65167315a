#include <archive_entry.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/sources.h"
#include "fixture.h"
#include "stream/archive_stream.h"

/* The checkout's probe and what packing it gives. */
struct packed {
	struct buf tar;
	struct digest digests[KIND_COUNT];
};

static void packed_release(struct packed *p)
{
	buf_release(&p->tar);
}

#define cleanup_packed __attribute__((cleanup(packed_release)))

static int pack(struct checkout *c, struct packed *ret, struct err *e)
{
	cleanup_probe struct probe probe = { 0 };
	cleanup_free char *dir = path_join(c->root, "probe", e);

	cr_assert_eq(probe_load(dir, &probe, e), 0, "%s", e->message);
	return sources_pack(dir, &probe, &ret->tar, ret->digests, e);
}

static void must_pack(struct checkout *c, struct packed *ret)
{
	struct err e;

	cr_assert_eq(pack(c, ret, &e), 0, "%s", e.message);
}

static bool same_tar(const struct packed *a, const struct packed *b)
{
	return a->tar.len == b->tar.len && memcmp(a->tar.data, b->tar.data, a->tar.len) == 0;
}

static bool same_digest(const struct packed *a, const struct packed *b, enum probe_kind_id kind)
{
	return digest_equal(&a->digests[kind], &b->digests[kind]);
}

/* Names of the members, one a line: mode, owner, time and size before each. */
static void list(const struct buf *tar, struct buf *ret)
{
	struct err e;
	cleanup_of(archive_reader) struct archive *a = archive_read_new();
	struct source *s = source_from_memory(tar->data, tar->len, &e);
	struct archive_entry *entry;

	archive_read_support_format_tar(a);
	cr_assert_eq(archive_read_open_source(a, s, &e), 0, "%s", e.message);
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK)
		cr_assert_eq(buf_printf(ret, &e, "%04o %d:%d'%s' %ld %ld %s\n", (unsigned)archive_entry_mode(entry) & 07777,
					(int)archive_entry_uid(entry), (int)archive_entry_gid(entry),
					archive_entry_uname(entry) ? archive_entry_uname(entry) : "",
					(long)archive_entry_mtime(entry), (long)archive_entry_size(entry),
					archive_entry_pathname(entry)),
			     0);
	source_free(s);
}

Test(sources, tar_has_each_kinds_own_copy_and_nothing_else)
{
	static const char *const left_out[] = { "probe/module/main.o",	       "probe/module/example.ko",
						"probe/module/example.mod",    "probe/module/example.mod.c",
						"probe/module/Module.symvers", "probe/module/modules.order",
						"probe/module/.main.o.cmd",    "probe/module/.git/config",
						"probe/bpf/.hidden",	       "probe/not-named-as-a-source" };
	cleanup_checkout struct checkout c;
	cleanup_packed struct packed before = { 0 }, after = { 0 };
	cleanup_buf struct buf names = { 0 };

	checkout_make(&c);
	must_pack(&c, &before);
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		checkout_write(&c, left_out[i], "x");
	must_pack(&c, &after);
	cr_expect(same_tar(&before, &after));
	list(&after.tar, &names);
	cr_expect_str_eq(buf_text(&names),
			 "0644 0:0'' 0 19 mod/module/Kbuild\n"
			 "0644 0:0'' 0 12 mod/module/main.c\n"
			 "0644 0:0'' 0 14 mod/event.h\n"
			 "0644 0:0'' 0 13 bpf/bpf/main.c\n"
			 "0644 0:0'' 0 14 bpf/event.h\n",
			 "%s", buf_text(&names));
}

Test(sources, same_tree_same_bytes)
{
	cleanup_checkout struct checkout a, b;
	cleanup_packed struct packed first = { 0 }, second = { 0 };
	struct timespec long_ago[2] = { { 1000, 0 }, { 1000, 0 } };
	cleanup_free char *file = NULL;
	struct err e;

	checkout_make(&a);
	/* The same files, made in another order, at another time, with other permissions that do not matter. */
	checkout_write(&a, "probe/module/b.c", "b");
	checkout_write(&a, "probe/module/a.c", "a");
	checkout_write(&a, "probe/module/sub/c.h", "c");
	checkout_make(&b);
	checkout_write(&b, "probe/module/sub/c.h", "c");
	checkout_write(&b, "probe/module/a.c", "a");
	checkout_write(&b, "probe/module/b.c", "b");
	file = path_join(b.root, "probe/module/a.c", &e);
	cr_assert_eq(utimensat(AT_FDCWD, file, long_ago, 0), 0);
	cr_assert_eq(chmod(file, 0600), 0);
	must_pack(&a, &first);
	must_pack(&b, &second);
	cr_expect(same_tar(&first, &second));
	for (int kind = 0; kind < KIND_COUNT; kind++)
		cr_expect(same_digest(&first, &second, (enum probe_kind_id)kind));
}

Test(sources, digest_covers_what_a_build_can_see)
{
	static const struct {
		const char *path, *text;
		bool changes[KIND_COUNT];
	} rows[] = {
		{ "probe/module/main.c", "int changed;\n", { true, false } },
		{ "probe/module/new.c", "", { true, false } },
		{ "probe/module/sub/deep.h", "x", { true, false } },
		{ "probe/bpf/main.c", "int changed;\n", { false, true } },
		{ "probe/event.h", "/* another */\n", { true, true } },
		{ "probe/README", "not a source", { false, false } },
		{ "MODULE_VERSION", "9.9.9\n", { false, false } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_packed struct packed before = { 0 }, after = { 0 };
		checkout_make(&c);
		must_pack(&c, &before);
		checkout_write(&c, rows[i].path, rows[i].text);
		must_pack(&c, &after);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			cr_expect_eq(same_digest(&before, &after, (enum probe_kind_id)kind), !rows[i].changes[kind], "%s, %s",
				     rows[i].path, kind_name((enum probe_kind_id)kind));
	}
}

Test(sources, digest_covers_the_x_bit_and_names)
{
	cleanup_checkout struct checkout c;
	cleanup_packed struct packed plain = { 0 }, executable = { 0 }, renamed = { 0 };
	struct err e;

	checkout_make(&c);
	cleanup_free char *file = path_join(c.root, "probe/module/main.c", &e),
			  *other = path_join(c.root, "probe/module/mainc", &e);
	must_pack(&c, &plain);
	cr_assert_eq(chmod(file, 0744), 0);
	must_pack(&c, &executable);
	cr_expect_not(same_digest(&plain, &executable, KIND_MOD));
	cr_assert_eq(chmod(file, 0644), 0);
	cr_assert_eq(rename(file, other), 0);
	must_pack(&c, &renamed);
	cr_expect_not(same_digest(&plain, &renamed, KIND_MOD));
	cr_expect(same_digest(&plain, &renamed, KIND_BPF));
}

Test(sources, what_is_refused)
{
	static const struct {
		const char *link, *target; /* a symbolic link; target NULL: a FIFO; link NULL: the source is missing */
		enum err_kind kind;
		const char *names;
	} rows[] = {
		{ "probe/module/link.c", "main.c", ERR_INPUT, "link.c" },
		{ "probe/module/link.c", "/etc/passwd", ERR_INPUT, "link.c" },
		{ "probe/module/dir", "..", ERR_INPUT, "dir" },
		{ "probe/bpf/fifo", NULL, ERR_INPUT, "fifo" },
		{ NULL, NULL, ERR_INPUT, "event.h" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_packed struct packed p = { 0 };
		struct err e = { .kind = ERR_NONE };
		checkout_make(&c);
		cleanup_free char *path = path_join(c.root, rows[i].link ? rows[i].link : "probe/event.h", &e);
		if (!rows[i].link)
			cr_assert_eq(unlink(path), 0);
		else
			cr_assert_eq(rows[i].target ? symlink(rows[i].target, path) : mkfifo(path, 0644), 0);
		cr_expect_eq(pack(&c, &p, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s", i, e.message);
		cr_expect_not_null(strstr(e.message, rows[i].names), "row %zu: %s", i, e.message);
	}
}

Test(sources, limits)
{
	cleanup_checkout struct checkout c;
	cleanup_packed struct packed p = { 0 }, q = { 0 };
	struct err e = { .kind = ERR_NONE };

	checkout_make(&c);
	cleanup_free char *big = path_join(c.root, "probe/module/big.bin", &e);
	checkout_write(&c, "probe/module/big.bin", "");
	cr_assert_eq(truncate(big, SOURCES_MAX_BYTES + 1), 0);
	cr_expect_eq(pack(&c, &p, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	cr_assert_eq(unlink(big), 0);
	char deep[256] = "probe/module";
	for (int i = 0; i < 40; i++)
		strcat(deep, "/d");
	strcat(deep, "/f");
	checkout_write(&c, deep, "");
	err_clear(&e);
	cr_expect_eq(pack(&c, &q, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
}
