#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "helper.h"

static void expect_file(const char *path, const char *expected)
{
	cleanup_buf struct buf b = { 0 };
	struct err e;

	cr_assert_eq(file_read(path, 1 << 20, &b, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&b), expected);
}

static void write_file(const char *path, const char *text)
{
	struct err e;

	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

/* How many names a directory holds. */
static int count_names(const char *dir)
{
	char command[256];
	const char *const argv[] = { "sh", "-c", command, NULL };
	cleanup_buf struct buf out = { 0 };
	struct err e;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", dir);
	cr_assert_eq(process_run(argv, NULL, 100, &out, NULL, &e), 0, "%s", e.message);
	return atoi(buf_text(&out));
}

static char *below(const struct temp_dir *dir, const char *name)
{
	struct err e;
	char *path = path_join(dir->path, name, &e);

	cr_assert_not_null(path);
	return path;
}

Test(path, join_and_base)
{
	static const struct {
		const char *a, *b, *joined, *base;
	} rows[] = {
		{ "a", "b", "a/b", "b" },	  { "a/", "b", "a/b", "b" }, { "", "b", "b", "b" },
		{ "a", "/b", "/b", "b" },	  { "/", "b", "/b", "b" },   { "a", "", "a/", "" },
		{ "a/b", "c/d", "a/b/c/d", "d" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		cleanup_free char *joined = path_join(rows[i].a, rows[i].b, &e);
		cr_expect_str_eq(joined, rows[i].joined, "row %zu: %s", i, joined);
		cr_expect_str_eq(path_base(joined), rows[i].base, "row %zu", i);
	}
}

Test(path, is_plain)
{
	static const struct {
		const char *path;
		bool plain;
	} rows[] = {
		{ "a", true },	     { "a/b.c/d", true }, { "...", true },	  { "..a", true },    { ".a", true },
		{ "a..", true },     { "a b", true },	  { "\xc3\xa4", true },	  { "", false },      { "/", false },
		{ "/a", false },     { "a/", false },	  { "a//b", false },	  { ".", false },     { "..", false },
		{ "./a", false },    { "a/.", false },	  { "a/./b", false },	  { "../a", false },  { "a/..", false },
		{ "a/../b", false }, { "a\n", false },	  { "a\x1b[31m", false }, { "a\x7f", false }, { "a/b\tc", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(path_is_plain(rows[i].path), rows[i].plain, "row %zu: '%s'", i, rows[i].path);
}

Test(path, make_dirs)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct err e = { .kind = ERR_NONE };
	struct stat st;

	temp_dir_make(&dir);
	cleanup_free char *deep = below(&dir, "a/b//c/"), *file = below(&dir, "file"), *under = below(&dir, "file/x");
	cr_expect_eq(path_make_dirs(deep, &e), 0, "%s", e.message);
	cr_expect_eq(path_make_dirs(deep, &e), 0, "again: %s", e.message);
	cr_assert_eq(stat(deep, &st), 0);
	cr_expect(S_ISDIR(st.st_mode));
	write_file(file, "x");
	cr_expect_eq(path_make_dirs(file, &e), -1);
	cr_expect_eq(e.errnum, ENOTDIR);
	cr_expect_not_null(strstr(e.message, file), "%s", e.message);
	cr_expect_eq(path_make_dirs(under, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(path_make_dirs("/", &e), 0);
	e.kind = ERR_NONE;
	cr_expect_eq(path_make_dirs("", &e), -1);
	cr_expect_eq(e.errnum, ENOENT);
}

Test(path, remove_does_not_follow_links)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *keep = below(&dir, "keep"), *kept = below(&dir, "keep/file"), *tree = below(&dir, "tree"),
			  *sub = below(&dir, "tree/sub/deep"), *link = below(&dir, "tree/sub/link"),
			  *file = below(&dir, "tree/sub/f"), *top_link = below(&dir, "top"),
			  *dangling = below(&dir, "tree/dangling");
	cr_assert_eq(path_make_dirs(keep, &e), 0);
	cr_assert_eq(path_make_dirs(sub, &e), 0);
	write_file(kept, "kept");
	write_file(file, "f");
	cr_assert_eq(symlink(keep, link), 0);
	cr_assert_eq(symlink(keep, top_link), 0);
	cr_assert_eq(symlink("/nowhere/at/all", dangling), 0);
	cr_expect_eq(path_remove(tree, &e), 0, "%s", e.message);
	cr_expect_eq(path_remove(top_link, &e), 0, "%s", e.message);
	cr_expect_eq(path_exists(tree, &e), 0);
	cr_expect_eq(path_exists(top_link, &e), 0);
	expect_file(kept, "kept");
	cr_expect_eq(path_remove(tree, &e), 0, "nothing there is success");
}

Test(path, exists)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *file = below(&dir, "f"), *under = below(&dir, "f/g"), *missing = below(&dir, "m");
	write_file(file, "");
	cr_expect_eq(path_exists(file, &e), 1);
	cr_expect_eq(path_exists(dir.path, &e), 1);
	cr_expect_eq(path_exists(missing, &e), 0);
	cr_expect_eq(path_exists(under, &e), 0);
}

Test(file, read_has_a_limit)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_buf struct buf b = { 0 };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "f"), *missing = below(&dir, "none");
	write_file(path, "12345");
	cr_assert_eq(buf_puts(&b, "before:", &e), 0);
	cr_expect_eq(file_read(path, 5, &b, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&b), "before:12345");
	cr_expect_eq(file_read(path, 4, &b, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_not_null(strstr(e.message, path), "%s", e.message);
	cr_expect_eq(file_read(missing, 4, &b, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect_not_null(strstr(e.message, missing), "%s", e.message);
	cr_expect_eq(file_read(dir.path, 4, &b, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
}

Test(file, descriptors_are_not_inherited)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_newfile struct newfile f = { .fd = -1 };
	struct err e;
	int pipe_fds[2];

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "f"), *lock = below(&dir, "lock");
	write_file(path, "");
	cr_assert_eq(newfile_open(&f, path, 0644, &e), 0);
	cr_assert_eq(fd_pipe(pipe_fds, &e), 0);
	int fds[] = { f.fd, file_open(path, &e), file_lock(lock, false, &e), pipe_fds[0], pipe_fds[1] };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		cr_assert_geq(fds[i], 0);
		cr_expect(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, "row %zu", i);
		if (i)
			close(fds[i]);
	}
}

Test(newfile, nothing_is_seen_before_commit)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_newfile struct newfile f = { .fd = -1 };
	struct err e;
	struct stat st;

	temp_dir_make(&dir);
	umask(027);
	cleanup_free char *path = below(&dir, "f");
	cr_assert_eq(newfile_open(&f, path, 0666, &e), 0, "%s", e.message);
	cr_assert_eq(fd_write_all(f.fd, "bytes", 5, &e), 0);
	cr_expect_eq(path_exists(path, &e), 0);
	const char *base = path_base(f.temporary);
	cr_expect(base[0] == '.' && str_ends(base, ".partial"), "%s", base);
	cr_expect_eq(strncmp(f.temporary, dir.path, strlen(dir.path)), 0, "beside its place");
	cr_expect_eq(newfile_commit(&f, &e), 0, "%s", e.message);
	expect_file(path, "bytes");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0640, "%o", st.st_mode);
	cr_expect_eq(count_names(dir.path), 1);
	newfile_release(&f);
	expect_file(path, "bytes");
}

Test(newfile, nothing_is_left_after_release)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct newfile f = { .fd = -1 };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "f");
	write_file(path, "old");
	cr_assert_eq(newfile_open(&f, path, 0644, &e), 0);
	cr_assert_eq(fd_write_all(f.fd, "new", 3, &e), 0);
	newfile_release(&f);
	newfile_release(&f);
	expect_file(path, "old");
	cr_expect_eq(count_names(dir.path), 1);
}

Test(newfile, replaces_at_once)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_newfile struct newfile f = { .fd = -1 };
	struct err e;
	char old[4] = "";

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "f");
	write_file(path, "old");
	cleanup_close int reader = file_open(path, &e);
	cr_assert_eq(newfile_open(&f, path, 0644, &e), 0);
	cr_assert_eq(fd_write_all(f.fd, "newer", 5, &e), 0);
	expect_file(path, "old");
	cr_assert_eq(newfile_commit(&f, &e), 0);
	expect_file(path, "newer");
	cr_expect_eq(read(reader, old, 3), 3);
	cr_expect_str_eq(old, "old", "who had it open keeps what he had");
}

Test(newfile, failures_leave_nothing)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct newfile f = { .fd = -1 };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *missing = below(&dir, "no/such/f"), *taken = below(&dir, "taken"), *inside = below(&dir, "taken/x");
	cr_expect_eq(newfile_open(&f, missing, 0644, &e), -1);
	cr_expect_eq(e.errnum, ENOENT);
	cr_expect_eq(f.fd, -1, "untouched on failure");
	cr_assert_eq(path_make_dirs(taken, &e), 0);
	write_file(inside, "x");
	cr_assert_eq(newfile_open(&f, taken, 0644, &e), 0);
	cr_expect_eq(newfile_commit(&f, &e), -1, "a directory stands there");
	cr_expect_not_null(strstr(e.message, "taken"), "%s", e.message);
	cr_expect_eq(f.fd, -1);
	cr_expect_eq(count_names(dir.path), 1);
}

struct maker {
	const char *dir;
	int number, wrong_modes;
};

static void *make_many(void *context)
{
	struct maker *m = context;
	struct err e;
	struct stat st;
	char path[256];

	for (int i = 0; i < 5000; i++) {
		struct newfile f = { .fd = -1 };
		snprintf(path, sizeof(path), "%s/%d", m->dir, m->number);
		if (newfile_open(&f, path, 0666, &e) < 0 || fstat(f.fd, &st) < 0 || (st.st_mode & 07777) != 0640)
			m->wrong_modes++;
		newfile_release(&f);
		/* Somebody else's way of making a file at the same time. */
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || fstat(fd, &st) < 0 || (st.st_mode & 07777) != 0640)
			m->wrong_modes++;
		close(fd);
		unlink(path);
	}
	return NULL;
}

Test(newfile, threads_do_not_lose_the_umask)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct maker makers[4];
	pthread_t threads[4];

	temp_dir_make(&dir);
	umask(027);
	for (int i = 0; i < 4; i++) {
		makers[i] = (struct maker){ .dir = dir.path, .number = i };
		cr_assert_eq(pthread_create(&threads[i], NULL, make_many, &makers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(makers[i].wrong_modes, 0, "%d files of thread %d have a wrong mode", makers[i].wrong_modes, i);
	}
	cr_expect_eq(umask(0), 027);
}

/* A file system of 64 KiB; false (and a word why) where that can't be had. */
static bool mount_small(const char *dir)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("small", dir, "tmpfs", 0, "size=64k") == 0)
		return true;
	cr_log_warn("skip: can't mount a tmpfs here: %s", strerror(errno));
	return false;
}

Test(newfile, full_disk)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	static char bytes[256 * 1024];
	struct err e = { .kind = ERR_NONE };

	temp_dir_make(&dir);
	cleanup_free char *small = below(&dir, "small"), *path = below(&dir, "small/f");
	cr_assert_eq(path_make_dirs(small, &e), 0);
	if (!mount_small(small))
		return;
	write_file(path, "old");
	memset(bytes, 'x', sizeof(bytes));
	cr_expect_eq(file_replace(path, bytes, sizeof(bytes), 0644, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(e.errnum, ENOSPC);
	cr_expect_not_null(strstr(e.message, path), "%s", e.message);
	expect_file(path, "old");
	cr_expect_eq(count_names(small), 1);
	cr_expect_eq(file_replace(path, bytes, 1000, 0644, &e), 0, "the space is free again: %s", e.message);
	cr_expect_eq(umount(small), 0);
}

Test(file, replace_leaves_the_same_bytes_alone)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	static const char *const others[] = { "same bytes and more", "same", "", "Same bytes" };
	struct err e;
	struct stat before, after;

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "f"), *nowhere = below(&dir, "no/f");
	write_file(path, "same bytes");
	cr_assert_eq(stat(path, &before), 0);
	write_file(path, "same bytes");
	cr_assert_eq(stat(path, &after), 0);
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		write_file(path, others[i]);
		expect_file(path, others[i]);
		write_file(path, "same bytes");
	}
	cr_expect_eq(file_replace(nowhere, "x", 1, 0644, &e), -1);
	cr_expect_not_null(strstr(e.message, nowhere), "%s", e.message);
}

Test(file, lock_is_one_process_at_a_time)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_process struct process p = { .pid_fd = -1 };
	struct err e;
	int to_child[2], from_child[2], status;
	char word[7] = "";

	temp_dir_make(&dir);
	cleanup_free char *path = below(&dir, "lock");
	const char *const argv[] = { helper_program(), "helper", "lock", path, NULL };
	cr_assert_eq(fd_pipe(to_child, &e), 0);
	cr_assert_eq(fd_pipe(from_child, &e), 0);
	const struct process_fd fds[] = { { to_child[0], 0 }, { from_child[1], 1 } };
	cr_assert_eq(process_start(&p, argv, helper_environment, fds, 2, &e), 0, "%s", e.message);
	close(to_child[0]);
	close(from_child[1]);
	cr_assert_eq(read(from_child[0], word, 6), 6);
	cr_expect_eq(file_lock(path, false, &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT);
	cr_expect_not_null(strstr(e.message, path), "%s", e.message);
	close(to_child[1]);
	cleanup_close int fd = file_lock(path, true, &e);
	cr_expect_geq(fd, 0, "%s", e.message);
	cr_assert_eq(process_wait(&p, NULL, &status, &e), 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(file_lock(path, false, &e), -1, "a second descriptor of the same process is somebody else too");
	close(from_child[0]);
}

Test(file, nonblocking_and_write_errors)
{
	struct err e;
	int fds[2];
	char byte;

	cr_assert_eq(fd_pipe(fds, &e), 0);
	cr_assert_eq(fd_set_nonblocking(fds[0], &e), 0);
	cr_expect_eq(read(fds[0], &byte, 1), -1);
	cr_expect_eq(errno, EAGAIN);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	cr_expect_eq(fd_write_all(fds[1], "x", 1, &e), -1);
	cr_expect_eq(e.errnum, EPIPE);
	cr_expect_eq(fd_write_all(fds[1], "x", 0, &e), 0);
	close(fds[1]);
	cr_expect_eq(fd_set_nonblocking(-1, &e), -1);
	cr_expect_eq(e.errnum, EBADF);
}
