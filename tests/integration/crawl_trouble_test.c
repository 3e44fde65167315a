/* What happens to a crawl from outside: bombs, a full disk, signals, a second crawl. Needs no engine. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "place.h"
#include "site.h"
#include "tree.h"
#include "work.h"

TestSuite(crawl_trouble, .init = places_open, .fini = site_close, .timeout = SITE_SECONDS);

#define PACKAGES "dists/stable/main/binary-amd64/Packages"

static const unsigned two[] = { 9, 10, 0 }, three[] = { 9, 10, 11, 0 };

/* --- bombs: 10 GiB in a few MB, by the tools themselves. Kept, since making them takes longer than the test --- */

enum { PIECE = 1 << 20, PARAGRAPH = 4096 };

static const struct bomb {
	const char *suffix, *pack;
	bool of_packages; /* a good Packages, but for its size; else zeros */
	const char *what; /* is said of it */
} bombs[] = {
	{ "xz", "xz -0", false, "longer than" },
	{ "gz", "gzip -1", false, "longer than" },
	{ "zst", "zstd -q -1", false, "longer than" },
	{ "zst", "zstd -q -1", true, "decompresses to" },
};

/* 1 MiB that can follow itself. */
static void put_piece(const char *path, bool of_packages)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	while (of_packages && text.len < PIECE) {
		cr_assert(buf_printf(&text, &e,
				     "Package: bash\nVersion: 1\nArchitecture: amd64\nFilename: pool/bash.deb\nSize: 1\n"
				     "SHA256: %064d\nDescription: ",
				     1) == 0);
		int rest = PARAGRAPH - (int)(text.len % PARAGRAPH) - 2;
		cr_assert(buf_printf(&text, &e, "%0*d\n\n", rest, 0) == 0);
	}
	cr_assert(buf_reserve(&text, PIECE, &e) == 0);
	if (!of_packages)
		memset(text.data, 0, PIECE);
	cr_assert(file_replace(path, text.data, PIECE, 0644, &e) == 0, "%s", e.message);
}

/* 40 streams of 256 MiB, one behind the other, which is a file of 10 GiB to all three. */
static char *bomb_path(const struct bomb *b)
{
	cleanup_free char *dir = text_of("%s/build/integration-cache/bombs", site()->root), *lock_path = text_of("%s/lock", dir);
	cleanup_free char *path = text_of("%s/%s.%s", dir, b->of_packages ? "packages" : "zeros", b->suffix);
	struct err e;

	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	cleanup_close int lock = file_lock(lock_path, true, &e);
	if (!file_is_there(path)) {
		cleanup_free char *piece = text_of("%s/piece", dir);
		cleanup_free char *script = text_of("set -e; cd %s; for i in $(seq 256); do cat piece; done | %s >one\n"
						    "for i in $(seq 40); do cat one; done >all; rm one piece; mv all %s",
						    dir, b->pack, path);
		put_piece(piece, b->of_packages);
		work("sh", "-c", script, NULL);
	}
	return text_of("%s", path);
}

static void plant(struct place *p, const struct bomb *b)
{
	static const char *const others[] = { "xz", "gz" };
	cleanup_free char *from = bomb_path(b), *to = text_of("%s/" PACKAGES ".%s", p->published.dir, b->suffix);
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		cleanup_free char *other = text_of("%s/" PACKAGES ".%s", p->published.dir, others[i]);
		cr_assert(path_remove(other, &e) == 0, "%s", e.message);
	}
	work("cp", from, to, NULL);
	apt_archive_state(&p->published.apt);
	apt_archive_sign(&p->published.apt);
	repository_stamp(p->published.dir);
}

Test(crawl_trouble, bombs)
{
	struct place *p = place_open(&published_apt);
	struct rusage usage;

	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		cleanup_free char *name = text_of("Packages.%s", bombs[i].suffix);
		plant(p, &bombs[i]);
		checkout_crawl(&p->checkout, &p->program, 1, NULL);
		checkout_expect_same(&p->checkout, "broken", &p->before, bombs[i].pack);
		place_expect_steady(p, bombs[i].pack);
		cr_expect(strstr(buf_text(&p->program.err), name) && strstr(buf_text(&p->program.err), bombs[i].what), "%s",
			  buf_text(&p->program.err));
	}
	cr_assert(getrusage(RUSAGE_CHILDREN, &usage) == 0);
#ifndef __SANITIZE_ADDRESS__
	cr_expect_lt(usage.ru_maxrss, 128 << 10, "%ld KiB at the peak", usage.ru_maxrss);
#endif
	place_heal(p);
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
}

/* --- a full disk --- */

static char *mounted;

static void unmount(void)
{
	if (umount2(mounted, MNT_DETACH) < 0)
		cr_log_warn("umount '%s': %s", mounted, strerror(errno));
	free(mounted);
}

/* What is in the directory is then on a small file system that has no room left. */
static void fill(const char *path)
{
	cleanup_free char *aside = text_of("%s.aside", path), *filler = text_of("%s/filler", path);
	cleanup_free char *script = text_of("dd if=/dev/zero of=%s bs=4096 2>/dev/null || :", filler);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		site_skip("a tmpfs can't be mounted: %s", strerror(errno));
	tree_copy(path, aside);
	if (mount("small", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") < 0)
		site_skip("a tmpfs can't be mounted: %s", strerror(errno));
	places_before_close(unmount);
	mounted = text_of("%s", path);
	tree_copy(aside, path);
	work("sh", "-c", script, NULL);
}

static void make_room(void)
{
	cleanup_free char *filler = text_of("%s/filler", mounted);

	cr_assert(unlink(filler) == 0);
}

Test(crawl_trouble, full_disk_below_the_lists)
{
	struct place *p = place_open(&published_apt);
	cleanup_free char *lists = text_of("%s/supported-kernels", p->checkout.root);

	fill(lists);
	checkout_crawl(&p->checkout, &p->program, 1, NULL);
	checkout_expect_same(&p->checkout, "broken", &p->before, "a full disk");
	cr_expect(strstr(buf_text(&p->program.err), "No space left on device"), "%s", buf_text(&p->program.err));
	cr_expect(strstr(buf_text(&p->program.err), "supported-kernels/broken"), "%s", buf_text(&p->program.err));
	tree_expect_nothing_partial(lists);
	make_room();
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
	place_expect_steady(p, "room again");
}

/* The list is as it was or as it should be; digests may be there for what is listed next time. */
static void expect_old_or_new(struct place *p, const char *what)
{
	cleanup_free char *path = checkout_path(&p->checkout, "broken", ".txt");
	cleanup_free char *old = published_list(&p->published, p->url, two), *new = published_list(&p->published, p->url, three);
	cleanup_buf struct buf list = { 0 };

	file_bytes(path, &list);
	cr_expect(strcmp(buf_text(&list), old) == 0 || strcmp(buf_text(&list), new) == 0, "%s: the list is\n%s", what,
		  buf_text(&list));
}

Test(crawl_trouble, full_disk_below_the_cache)
{
	struct place *p = place_open(&published_apt);

	fill(p->checkout.cache);
	program_release(&p->program);
	place_start(p);
	cr_expect_neq(program_finish(&p->program), 0);
	expect_old_or_new(p, "a full disk");
	cr_expect(strstr(buf_text(&p->program.err), p->checkout.cache) && strstr(buf_text(&p->program.err), "disk"), "%s",
		  buf_text(&p->program.err));
	make_room();
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
}

/* --- signals --- */

/* A server that answers a byte at a time. */
static void stall(struct place *p)
{
	static const char nothing[4096] = "";

	place_answer(p, PACKAGES ".xz", (struct http_step){ .body = nothing, .len = sizeof(nothing), .drip_ms = 200 });
}

static void start_and_wait_for_stall(struct place *p)
{
	cleanup_free char *path = text_of("/%s/" PACKAGES ".xz", path_base(p->published.dir));
	size_t before = http_server_requests(p->server, path);

	place_start(p);
	http_server_wait_requests(p->server, path, before + 1);
}

static void expect_no_scratch(const struct place *p)
{
	cleanup_free char *scratch = text_of("%s/index", p->checkout.cache);
	const char *nothing[] = { NULL };

	tree_expect(scratch, nothing);
}

Test(crawl_trouble, ctrl_c)
{
	struct place *p = place_open(&published_apt);

	stall(p);
	start_and_wait_for_stall(p);
	int64_t started = clock_now_ms();
	cr_assert(kill(p->program.pid, SIGINT) == 0);
	cr_expect_eq(program_finish(&p->program), 4, "exit %d:\n%s", p->program.code, buf_text(&p->program.err));
	cr_expect_lt(clock_now_ms() - started, 10 * 1000);
	checkout_expect_same(&p->checkout, "broken", &p->before, "Ctrl-C");
	expect_no_scratch(p);
	place_heal(p);
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
}

Test(crawl_trouble, kill_9)
{
	struct place *p = place_open(&published_apt);

	stall(p);
	start_and_wait_for_stall(p);
	cr_assert(kill(p->program.pid, SIGKILL) == 0);
	cr_expect_eq(program_finish(&p->program), 128 + SIGKILL);
	checkout_expect_same(&p->checkout, "broken", &p->before, "kill -9");
	place_heal(p);
	/* Wherever it is hit, the list is whole. */
	for (int round = 0; round < 15; round++) {
		place_start(p);
		poll(NULL, 0, 10 + 12 * round);
		kill(p->program.pid, SIGKILL);
		program_finish(&p->program);
		expect_old_or_new(p, "kill -9");
	}
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
	place_expect_steady(p, "after kill -9");
	expect_no_scratch(p);
	cleanup_free char *lists = text_of("%s/supported-kernels", p->checkout.root);
	tree_expect_nothing_partial(lists);
}

Test(crawl_trouble, two_at_once)
{
	struct place *p = place_open(&published_apt);
	struct program other = PROGRAM_NONE;

	place_start(p);
	checkout_start_crawl(&p->checkout, &other, NULL);
	cr_expect_eq(program_finish(&p->program), 0, "%s", buf_text(&p->program.err));
	cr_expect_eq(program_finish(&other), 0, "%s", buf_text(&other.err));
	program_release(&other);
	place_expect(p, "broken", three);
	place_expect_steady(p, "two at once");
}
