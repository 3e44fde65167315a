/* Disk images, made by the tools that make real ones, and single files, through the filter. */
#include "package/repack.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"
#include "package/disk.h"
#include "stream/decompress_source.h"
#include "stream/sink.h"
#include "stream/source.h"

static const char *const program = "/proc/self/exe"; /* see main.c */

/* A system with its kernel's directory behind links, as those that have but one library directory lay it out. */
static const char make_root[] =
	"mkdir -p root/usr/lib64/modules/6.1.0-x/build/include root/usr/lib64/modules/6.1.0-x/kernel root/usr/lib64/modules/6.1.0-x/build/kernel\n"
	"ln -s lib64 root/usr/lib; ln -s usr/lib root/lib\n"
	"cd root/usr/lib64/modules/6.1.0-x\n"
	"echo CONFIG=1 >build/.config; chmod 755 build/include; ln -s ../source build/source; touch kernel/a.ko build/kernel/Makefile\n"
	"truncate -s 100000 build/holes; echo end >>build/holes; chmod 755 build/holes; ln build/.config build/again\n"
	"ln -s /$(printf '%0100d' 0) build/long; mkfifo build/fifo; touch -d @1700000000 build/.config\n"
	"find . -type d -exec touch -d @1600000000 {} +; touch -d @1600000000 ../../modules\n";
/* $1: arguments of mke2fs; $2: sfdisk's lines. The file system begins at 1 MiB. */
static const char make_disk[] = "PATH=$PATH:/usr/sbin:/sbin; truncate -s 12M disk; printf '%s' \"$2\" | sfdisk -q disk\n"
				"mke2fs -q $1 -d root -E offset=1048576,root_owner=0:0 disk 8M\n";
static const char gpt[] = "label: gpt\nstart=2048, size=16384, name=ROOT\nstart=18432, size=2048, name=OEM\n";

struct place {
	struct temp_dir dir;
};

static void run_script(const struct place *p, const char *script, const char *one, const char *two)
{
	struct err e;
	cleanup_free char *whole = str_printf(&e, "set -eu; cd \"$0\"; %s", script);
	const char *const argv[] = { "sh", "-c", whole, p->dir.path, one, two, NULL };

	cr_assert_eq(process_run(argv, NULL, 65536, NULL, NULL, &e), 0, "%s", e.message);
}

static void place_make(struct place *p, const char *mke2fs, const char *table)
{
	temp_dir_make(&p->dir);
	run_script(p, make_root, "", "");
	run_script(p, make_disk, mke2fs, table);
}

static void place_remove(struct place *p)
{
	temp_dir_remove(&p->dir);
}
#define cleanup_place __attribute__((cleanup(place_remove)))

static int open_in(const struct place *p, const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", p->dir.path, name);
	int fd = open(path, flags | O_CLOEXEC, 0644);
	cr_assert(fd >= 0, "%s", path);
	return fd;
}

/* What comes out, as list_tar has it. */
static int list_out(int out, struct buf *ret, struct buf *ret_tar, struct err *e)
{
	cr_assert_eq(lseek(out, 0, SEEK_SET), 0);
	struct source *s = source_decompress(source_from_fd(out, false, e), 64 << 20, 64 << 20, e);
	struct sink *sink = sink_to_buf(ret_tar, 64 << 20, e);
	int rc = s && sink ? sink_copy(sink, s, e) : -1;
	sink_free(sink);
	source_free(s);
	if (rc == 0)
		list_tar(ret_tar, ret);
	return rc;
}

static int run_image(const struct place *p, const char *name, const struct image_rules *rules, struct buf *ret_list,
		     struct buf *ret_tar, struct err *e)
{
	cleanup_close int package = open_in(p, name, O_RDONLY), scratch = open_in(p, "scratch", O_RDWR | O_CREAT | O_TRUNC);
	cleanup_close int out = memfd_create("out", MFD_CLOEXEC);
	struct filter *filter = NULL;

	cr_assert_eq(lseek(package, 0, SEEK_END) >= 0, true);
	cr_assert_eq(repack_image_start(program, package, name, rules, scratch, out, &filter, e), 0, "%s", e->message);
	int rc = filter_wait(filter, NULL, e);
	filter_free(filter);
	return rc < 0 ? -1 : list_out(out, ret_list, ret_tar, e);
}

static struct image_rules make_rules(const char *partition, const char *take, const char *leave)
{
	struct image_rules rules = { 0 };
	struct err e;

	rules.partition = partition ? strdup(partition) : NULL;
	cr_assert_eq(strv_add(&rules.take, take, &e), 0);
	if (leave)
		cr_assert_eq(strv_add(&rules.leave, leave, &e), 0);
	return rules;
}

static const char wanted[] = "d 0755 1600000000 lib/modules\n"
			     "d 0755 1600000000 lib/modules/6.1.0-x\n"
			     "d 0755 1600000000 lib/modules/6.1.0-x/build\n"
			     "f 0644 1700000000 lib/modules/6.1.0-x/build/.config 9\n"
			     "f 0644 1700000000 lib/modules/6.1.0-x/build/again 9\n"
			     "f 0755 ";

Test(repack, takes_a_directory_out_of_an_image)
{
	static const struct {
		const char *what, *mke2fs, *pack, *partition;
	} rows[] = {
		{ "ext4, bzip2, by label", "-t ext4", "bzip2 -1 <disk >image", "ROOT" },
		{ "ext2, gzip, by number", "-t ext2", "gzip -1 <disk >image", "1" },
		{ "ext3, as it is", "-t ext3", "mv disk image", "ROOT" },
		{ "small files in inodes, checksums, zstd", "-t ext4 -O inline_data,metadata_csum,64bit -I 256",
		  "zstd -q -1 <disk >image", "ROOT" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf list = { 0 }, tar = { 0 }, text = { 0 };
		cleanup_image_rules struct image_rules rules = make_rules(rows[i].partition, "lib/modules", "lib/modules/*/kernel");
		struct err e = { 0 };
		place_make(&p, rows[i].mke2fs, gpt);
		run_script(&p, rows[i].pack, "", "");
		cr_assert_eq(run_image(&p, "image", &rules, &list, &tar, &e), 0, "%s: %s", rows[i].what, e.message);
		cr_expect(str_starts(buf_text(&list), wanted), "%s:\n%s", rows[i].what, buf_text(&list));
		cr_expect(strstr(buf_text(&list), " lib/modules/6.1.0-x/build/source -> ../source\n"), "%s", rows[i].what);
		cr_expect(strstr(buf_text(&list), "/build/long -> /0000"), "%s", rows[i].what);
		cr_expect(strstr(buf_text(&list), "/build/kernel/Makefile 0\n"), "%s: only the directory above is left out",
			  rows[i].what);
		cr_expect_null(strstr(buf_text(&list), "a.ko"), "%s", rows[i].what);
		cr_expect_null(strstr(buf_text(&list), "fifo"), "%s", rows[i].what);
		read_tar_file(&tar, "lib/modules/6.1.0-x/build/holes", &text);
		cr_expect_eq(text.len, 100004, "%s: %zu", rows[i].what, text.len);
		cr_expect(text.len == 100004 && !text.data[0] && memcmp(text.data + 100000, "end\n", 4) == 0, "%s", rows[i].what);
	}
}

Test(repack, leaves_zeros_out_of_the_scratch_file)
{
	cleanup_place struct place p;
	cleanup_buf struct buf list = { 0 }, tar = { 0 };
	cleanup_image_rules struct image_rules rules = make_rules("ROOT", "usr", NULL);
	struct err e = { 0 };
	struct stat st;
	char path[256];

	place_make(&p, "-t ext4", gpt);
	cr_assert_eq(run_image(&p, "disk", &rules, &list, &tar, &e), 0, "%s", e.message);
	snprintf(path, sizeof(path), "%s/scratch", p.dir.path);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_size, 12 << 20);
	cr_expect_lt(st.st_blocks * 512, 8 << 20, "%lld blocks", (long long)st.st_blocks);
}

Test(repack, says_what_is_wrong_with_an_image)
{
	static const struct {
		const char *spoil, *partition, *take, *message;
	} rows[] = {
		{ "bzip2 <disk | head -c 1000 >image", "ROOT", "lib", "truncated" },
		{ "gzip <disk | head -c 1000 >image", "ROOT", "lib", "gzip data is truncated" },
		{ "echo '<html>' >image", "ROOT", "lib", "is not a disk image" },
		{ ": >image", "ROOT", "lib", "is not a disk image" },
		{ "truncate -s 3M image", "ROOT", "lib", "is not a disk image" },
		{ "mv disk image", "USR", "lib", "the disk image has no partition 'USR' among its 2" },
		{ "mv disk image", "OEM", "lib", "there is no file system in 'OEM' of the disk image" },
		{ "mv disk image", "ROOT", "lib/firmware", "the disk image has no 'lib/firmware'" },
		{ "mv disk image", "ROOT", "lib/modules/6.1.0-x/kernel/a.ko", "is no directory" },
		{ "mv disk image; truncate -s 5M image", "ROOT", "lib", "or not a whole one" },
		{ "mv disk image", NULL, "lib", "there is no file system in 'the whole' of the disk image" },
		/* The group descriptors, and with them where inodes are. */
		{ "mv disk image; head -c 4096 /dev/urandom | dd of=image bs=1024 seek=1026 conv=notrunc status=none", "ROOT",
		  "lib", "file system in the disk image" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf list = { 0 }, tar = { 0 };
		cleanup_image_rules struct image_rules rules = make_rules(rows[i].partition, rows[i].take, NULL);
		struct err e = { 0 };
		place_make(&p, "-t ext4 -b 1024", gpt);
		run_script(&p, rows[i].spoil, "", "");
		cr_expect_eq(run_image(&p, "image", &rules, &list, &tar, &e), -1, "row %zu", i);
		cr_expect(e.kind == ERR_CORRUPT, "row %zu: kind %d: %s", i, e.kind, e.message);
		cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
		cr_expect(str_starts(e.message, "package 'image': "), "row %zu: %s", i, e.message);
	}
}

Test(repack, of_a_file_makes_a_tar)
{
	static const struct {
		const char *pack, *message; /* NULL: it is good */
	} rows[] = {
		{ "echo CONFIG_A=y >f", NULL },
		{ "echo CONFIG_A=y | gzip >f", NULL },
		{ "echo CONFIG_A=y | xz >f", NULL },
		{ ": >f", "is empty" },
		{ "echo CONFIG_A=y | xz | head -c 20 >f", "package 'f': " },
		{ "truncate -s 17M f", "larger than" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf list = { 0 }, tar = { 0 };
		struct filter *filter = NULL;
		struct err e = { 0 };
		temp_dir_make(&p.dir);
		run_script(&p, rows[i].pack, "", "");
		cleanup_close int package = open_in(&p, "f", O_RDONLY), out = memfd_create("out", MFD_CLOEXEC);
		cr_assert_eq(repack_file_start(program, package, "f", "etc/config", out, &filter, &e), 0, "%s", e.message);
		int rc = filter_wait(filter, NULL, &e);
		filter_free(filter);
		cr_expect_eq(rc, rows[i].message ? -1 : 0, "row %zu: %s", i, e.message);
		if (rows[i].message) {
			cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
			continue;
		}
		cr_assert_eq(list_out(out, &list, &tar, &e), 0, "%s", e.message);
		cr_expect_str_eq(buf_text(&list), "f 0644 0 etc/config 11\n");
	}
}

Test(repack, rules_go_through_json)
{
	cleanup_image_rules struct image_rules rules = make_rules("ROOT", "lib/modules", "a\"b*"), back = { 0 }, none = { 0 };
	struct err e;
	static const char *const bad[] = { "", "{}", "[]", "{\"take\":[1],\"leave\":[]}", "{\"take\":[],\"leave\":[],\"x\":1}" };

	cleanup_free char *json = image_rules_encode(&rules, &e), *empty = image_rules_encode(&none, &e);
	cr_assert_eq(image_rules_decode(json, &back, &e), 0, "%s", e.message);
	cr_expect_str_eq(back.partition, "ROOT");
	cr_expect_str_eq(back.take.items[0], "lib/modules");
	cr_expect_str_eq(back.leave.items[0], "a\"b*");
	cr_assert_eq(image_rules_decode(empty, &none, &e), 0, "%s", e.message);
	cr_expect_null(none.partition);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(image_rules_decode(bad[i], &none, &e), -1, "%s", bad[i]);
}
