#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fixture.h"

static const struct tree_rules no_rules;

/* The listing of the tree of one or two packages. */
static void expect_listing(const struct entry *first, const struct entry *second, const struct tree_rules *rules,
			   const char *expected)
{
	struct buf debs[2] = { { 0 }, { 0 } };
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf list = { 0 };
	struct err e = { 0 };

	make_deb(first, &debs[0]);
	if (second)
		make_deb(second, &debs[1]);
	cr_assert_eq(write_tree(debs, second ? 2 : 1, rules, &tar, &e), 0, "%s", e.message);
	list_tar(&tar, &list);
	cr_expect_str_eq(buf_text(&list), expected, "\n%s", buf_text(&list));
	buf_release(&debs[0]);
	buf_release(&debs[1]);
}

Test(tree, normalises)
{
	static const struct entry entries[] = {
		DIRECTORY("./"),
		MEMBER("./usr/", S_IFDIR | 0700, NULL, 5),
		MEMBER("./usr/src/", S_IFDIR | 02775, NULL, 6),
		MEMBER("./usr/src/run", S_IFREG | 06711, "x", 1700000000),
		MEMBER("./usr/src/plain", S_IFREG | 0600, "xy", -7),
		MEMBER("./deep/down/file", S_IFREG | 0644, "", 9),
		MEMBER("./deep/", S_IFDIR | 0755, NULL, 10),
		NO_MORE,
	};

	expect_listing(entries, NULL, &no_rules,
		       "d 0755 5 usr\nd 0755 6 usr/src\nf 0755 1700000000 usr/src/run 1\nf 0644 0 usr/src/plain 2\n"
		       "d 0755 9 deep\nd 0755 9 deep/down\nf 0644 9 deep/down/file 0\n");
}

Test(tree, links_work_wherever_the_tree_lies)
{
	static const struct {
		const char *path, *target, *expected;
	} rows[] = {
		{ "lib/modules/u/build", "/usr/src/h", "../../../usr/src/h" },
		{ "usr/src/h/scripts", "../../lib/k/scripts", "../../lib/k/scripts" },
		{ "usr/src/h/a/up", "..", ".." },
		{ "usr/src/h/a/same", "./x", "x" },
		{ "usr/src/h/a/round", "../../h/a/x", "x" },
		{ "usr/src/h/a/root", "/", "../../../.." },
		{ "top", "usr//src/", "usr/src" },
		{ "self", ".", "." },
		{ "usr/abs", "/usr/x/../y", "y" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct entry entries[] = { SYMLINK(rows[i].path, rows[i].target), NO_MORE };
		cleanup_buf struct buf deb = { 0 };
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf list = { 0 };
		struct err e = { 0 };
		char expected[128];
		make_deb(entries, &deb);
		cr_assert_eq(write_tree(&deb, 1, &no_rules, &tar, &e), 0, "%s", e.message);
		list_tar(&tar, &list);
		snprintf(expected, sizeof(expected), "l 0777 0 %s -> %s\n", rows[i].path, rows[i].expected);
		cr_expect(str_ends(buf_text(&list), expected), "want %s got %s", expected, buf_text(&list));
	}
}

Test(tree, packages_come_together)
{
	static const struct entry first[] = { DIRECTORY("a/"), TEXT("a/x", "1"), SYMLINK("a/l", "x"), NO_MORE };
	static const struct entry second[] = { DIRECTORY("a/"), TEXT("a/x", "22"), SYMLINK("a/l", "y"), HARDLINK("a/h", "./a/x"),
					       NO_MORE };

	expect_listing(first, second, &no_rules,
		       "d 0755 0 a\nf 0644 0 a/x 1\nl 0777 0 a/l -> x\nf 0644 0 a/x 2\nl 0777 0 a/l -> y\nh 0644 0 a/h -> a/x\n");
}

Test(tree, rules_drop_and_rewrite)
{
	static const struct entry entries[] = { TEXT("s/arch/arm/a.h", "arm"), TEXT("s/arch/x86/a.h", "x86"),
						TEXT("s/Makefile", "include /usr/src/common/Makefile\n"),
						SYMLINK("s/l", "arch/arm"), NO_MORE };
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cleanup_buf struct buf deb = { 0 };
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	rules.build_dir = strdup("s");
	cr_assert(strv_add(&rules.drop, "s/arch/*", &e) == 0 && strv_add(&rules.drop, "s/l", &e) == 0 &&
		  strv_add(&rules.keep, "s/arch/x86/*", &e) == 0);
	cr_assert_eq(tree_rules_add_rewrite(&rules, "*/Makefile", "/usr/src/", "$(here)/", &e), 0);
	expect_listing(entries, NULL, &rules,
		       "d 0755 0 s\nd 0755 0 s/arch\nd 0755 0 s/arch/x86\nf 0644 0 s/arch/x86/a.h 3\nf 0644 0 s/Makefile 32\n");
	make_deb(entries, &deb);
	cr_assert_eq(write_tree(&deb, 1, &rules, &tar, &e), 0);
	read_tar_file(&tar, "s/Makefile", &text);
	cr_expect_str_eq(buf_text(&text), "include $(here)/common/Makefile\n");
}

Test(tree, same_input_same_bytes)
{
	static const struct entry entries[] = { MEMBER("a/x", S_IFREG | 0644, "1", 77), SYMLINK("a/l", "x"), NO_MORE };
	cleanup_buf struct buf deb = { 0 };
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf two = { 0 };
	struct err e = { 0 };

	make_deb(entries, &deb);
	cr_assert_eq(write_tree(&deb, 1, &no_rules, &one, &e), 0);
	cr_assert_eq(write_tree(&deb, 1, &no_rules, &two, &e), 0);
	cr_expect(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
}

#define LONG10	"0123456789"
#define LONG100 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10
#define DEEP16	"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"

Test(tree, hostile_members_are_refused)
{
	static const struct {
		struct entry entries[4];
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ { TEXT("../x", "") }, ERR_HOSTILE, "'../x'" },
		{ { TEXT("./../x", "") }, ERR_HOSTILE, "'../x'" },
		{ { TEXT("a/../../x", "") }, ERR_HOSTILE, "a/../../x" },
		{ { TEXT("/etc/passwd", "") }, ERR_HOSTILE, "absolute" },
		{ { TEXT(".//etc/./passwd", "") }, ERR_HOSTILE, "not a plain path" },
		{ { TEXT("a\nb", "") }, ERR_HOSTILE, "not a plain path" },
		{ { SYMLINK("l", "../x") }, ERR_HOSTILE, "leaves the tree" },
		{ { SYMLINK("a/l", "x/../../../y") }, ERR_HOSTILE, "leaves the tree" },
		{ { SYMLINK("a/l", "/../etc") }, ERR_HOSTILE, "leaves the tree" },
		{ { SYMLINK("l", "d"), TEXT("l/x", "") }, ERR_HOSTILE, "below 'l'" },
		{ { SYMLINK("l", "d"), DIRECTORY("l") }, ERR_HOSTILE, "again" },
		{ { TEXT("d/x", ""), SYMLINK("d", "e") }, ERR_HOSTILE, "again" },
		{ { TEXT("f", ""), TEXT("f/x", "") }, ERR_HOSTILE, "below 'f'" },
		{ { HARDLINK("h", "/etc/passwd") }, ERR_HOSTILE, "hard link" },
		{ { HARDLINK("h", "../x") }, ERR_HOSTILE, "hard link" },
		{ { HARDLINK("h", "nowhere") }, ERR_HOSTILE, "no file written before" },
		{ { SYMLINK("l", "d"), HARDLINK("h", "l") }, ERR_HOSTILE, "no file written before" },
		{ { HARDLINK("h", "h") }, ERR_HOSTILE, "no file written before" },
		{ { SPECIAL("dev", S_IFCHR) }, ERR_HOSTILE, "device" },
		{ { SPECIAL("dev", S_IFBLK) }, ERR_HOSTILE, "device" },
		{ { SPECIAL("pipe", S_IFIFO) }, ERR_HOSTILE, "FIFO" },
		{ { TEXT(LONG100 "/" LONG100 "/" LONG100 "/" LONG100 "/" LONG100 "/" LONG100 "/" LONG100 "/" LONG100 "/" LONG100
				 "/" LONG100 "/" LONG100,
			 "") },
		  ERR_LIMIT,
		  "1110 bytes" },
		{ { TEXT(DEEP16 DEEP16 DEEP16 DEEP16 "x", "") }, ERR_LIMIT, "65 directories deep" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf deb = { 0 };
		cleanup_buf struct buf tar = { 0 };
		struct err e = { 0 };
		make_deb(rows[i].entries, &deb);
		cr_expect_eq(write_tree(&deb, 1, &no_rules, &tar, &e), -1, "row %zu went through", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect(strstr(e.message, rows[i].text) && strstr(e.message, "package 'p0'"), "row %zu: %s", i, e.message);
	}
}

Test(tree, dropped_members_are_checked_all_the_same)
{
	static const struct entry entries[] = { TEXT("../x", ""), NO_MORE };
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cleanup_buf struct buf deb = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };

	cr_assert_eq(strv_add(&rules.drop, "*", &e), 0);
	make_deb(entries, &deb);
	cr_expect_eq(write_tree(&deb, 1, &rules, &tar, &e), -1);
	cr_expect_eq(e.kind, ERR_HOSTILE);
}

/* A few hundred bytes that claim to be 3 GiB: refused by the header, before anything is unpacked. */
Test(tree, a_bomb_is_refused)
{
	static const struct entry entries[] = { TEXT("bomb", ""), NO_MORE };
	cleanup_buf struct buf inner = { 0 };
	cleanup_buf struct buf deb = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };
	unsigned sum = 0;

	make_tar(entries, &inner);
	memcpy(inner.data + 124, "30000000000", 11); /* size, octal: 3 GiB */
	memset(inner.data + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)inner.data[i];
	snprintf(inner.data + 148, 8, "%06o", sum);
	make_deb_of("data.tar", &inner, &deb);
	cr_expect_eq(write_tree(&deb, 1, &no_rules, &tar, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	cr_expect(strstr(e.message, "package 'p0'"), "%s", e.message);
}

Test(tree, the_second_package_is_named)
{
	static const struct entry good[] = { TEXT("a", ""), NO_MORE };
	static const struct entry bad[] = { TEXT("../a", ""), NO_MORE };
	struct buf debs[2] = { { 0 }, { 0 } };
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };

	make_deb(good, &debs[0]);
	make_deb(bad, &debs[1]);
	cr_expect_eq(write_tree(debs, 2, &no_rules, &tar, &e), -1);
	cr_expect(strstr(e.message, "package 'p1'"), "%s", e.message);
	buf_release(&debs[0]);
	buf_release(&debs[1]);
}

Test(tree, links_that_lead_nowhere_are_dropped_by_name)
{
	static const struct entry first[] = {
		SYMLINK("h/early", "late/file"),
		SYMLINK("h/nowhere", "../arch/arm/boot"),
		SYMLINK("h/below/a", "../dir/sub"),
		SYMLINK("h/circle-a", "circle-b"),
		SYMLINK("h/circle-b", "circle-a"),
		SYMLINK("h/self", "self"),
		SYMLINK("h/over-link", "dir/sub/x"),
		SYMLINK("h/to-dangling", "nowhere"),
		SYMLINK("h/through-file", "late/file/x"),
		SYMLINK("h/dropped", "share/doc"),
		SYMLINK("h/dir/sub", "../real"),
		TEXT("h/real/x", "x"),
		TEXT("h/share/doc", "doc"),
		SYMLINK("h/root", ".."),
		NO_MORE,
	};
	static const struct entry second[] = { TEXT("h/late/file", "late"), NO_MORE };
	cleanup_tree_rules struct tree_rules rules = { 0 };
	struct err e = { 0 };

	cr_assert_eq(strv_add(&rules.drop, "h/share/*", &e), 0);
	cr_assert_eq(tree_rules_add_fix_up(&rules, "drop-dangling-links", &e), 0);
	expect_listing(first, second, &rules,
		       "d 0755 0 h\nd 0755 0 h/below\nd 0755 0 h/dir\nd 0755 0 h/real\nf 0644 0 h/real/x 1\n"
		       "d 0755 0 h/late\nf 0644 0 h/late/file 4\n"
		       "l 0777 0 h/early -> late/file\nl 0777 0 h/below/a -> ../dir/sub\nl 0777 0 h/over-link -> dir/sub/x\n"
		       "l 0777 0 h/dir/sub -> ../real\nl 0777 0 h/root -> ..\n");
}

Test(tree, a_held_link_still_keeps_its_place)
{
	static const struct entry below[] = { SYMLINK("h/dir", "elsewhere"), TEXT("h/dir/file", "x"), NO_MORE };
	static const struct entry again[] = { SYMLINK("h/dir", "elsewhere"), DIRECTORY("h/dir"), NO_MORE };
	const struct entry *const rows[] = { below, again };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_tree_rules struct tree_rules rules = { 0 };
		cleanup_buf struct buf deb = { 0 };
		cleanup_buf struct buf tar = { 0 };
		struct err e = { 0 };
		cr_assert_eq(tree_rules_add_fix_up(&rules, "drop-dangling-links", &e), 0);
		make_deb(rows[i], &deb);
		cr_expect_eq(write_tree(&deb, 1, &rules, &tar, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_HOSTILE, "row %zu: %s", i, e.message);
	}
}
