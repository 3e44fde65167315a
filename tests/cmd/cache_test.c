#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "program.h"
#include "stream/digest.h"

/* A web server with one page for all: `sent` bytes of a body that is said to have `length`. */
struct server {
	int listener, port, stop[2];
	size_t length, sent;
	atomic_uint requests;
	int asked[2]; /* a byte is written here with each request */
	pthread_t thread;
};

static void answer(struct server *w, int fd)
{
	char request[4096], reply[256];
	static const char body[] = "0123456789abcdef";
	struct err e;

	ssize_t n = read(fd, request, sizeof(request));
	int len = snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", w->length);
	if (n > 0 && fd_write_all(fd, reply, (size_t)len, &e) == 0 && fd_write_all(fd, body, w->sent, &e) == 0)
		atomic_fetch_add(&w->requests, 1);
	n = write(w->asked[1], "x", 1);
	/* What promised more keeps its client waiting, until it or the test gives up. */
	struct pollfd fds[] = { { .fd = fd, .events = POLLRDHUP }, { .fd = w->stop[0], .events = POLLIN } };
	if (w->sent < w->length)
		poll(fds, 2, 30000);
}

static void *serve(void *context)
{
	struct server *w = context;

	for (;;) {
		struct pollfd fds[] = { { .fd = w->listener, .events = POLLIN }, { .fd = w->stop[0], .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 || fds[1].revents)
			return NULL;
		int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		answer(w, fd);
		close(fd);
	}
}

static void server_start(struct server *w, size_t length, size_t sent)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct err e;

	*w = (struct server){ .length = length, .sent = sent };
	signal(SIGPIPE, SIG_IGN);
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(w->listener, (struct sockaddr *)&address, size), 0);
	cr_assert_eq(listen(w->listener, 20), 0);
	cr_assert_eq(getsockname(w->listener, (struct sockaddr *)&address, &size), 0);
	w->port = ntohs(address.sin_port);
	cr_assert_eq(fd_pipe(w->stop, &e) | fd_pipe(w->asked, &e), 0);
	cr_assert_eq(pthread_create(&w->thread, NULL, serve, w), 0);
}

static void server_stop(struct server *w)
{
	close(w->stop[1]);
	pthread_join(w->thread, NULL);
	close(w->stop[0]);
	close(w->asked[0]);
	close(w->asked[1]);
	close(w->listener);
}

#define cleanup_server __attribute__((cleanup(server_stop)))

/* One package in the list, from there. digest NULL: none recorded. */
static void list_package(struct site *s, const struct server *w, const char *digest)
{
	char text[512];

	snprintf(text, sizeof(text), "http://127.0.0.1:%d/devel-5.14.0-70.x86_64_1.deb\n", w->port);
	site_write(s, "supported-kernels/second.txt", text);
	if (!digest)
		return;
	snprintf(text, sizeof(text), "%s  16  http://127.0.0.1:%d/devel-5.14.0-70.x86_64_1.deb\n", digest, w->port);
	site_write(s, "supported-kernels/second.digests", text);
}

static const char *const fetch[] = { "cache", "fetch", "--distro", "second", NULL };
static const char *const list[] = { "cache", "list", NULL };
static const char *const delete_all[] = { "cache", "delete", "--yes", NULL };

Test(cache, empty)
{
	static const char *const refused[] = { "cache", "delete", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome first = { 0 }, second = { 0 }, third = { 0 };

	site_make(&s);
	run_on_site(&s, list, &first);
	cr_expect_eq(first.code, 0, "%s", buf_text(&first.err));
	cr_expect_str_eq(buf_text(&first.out), "");
	run_on_site(&s, delete_all, &second);
	cr_expect_eq(second.code, 0, "%s", buf_text(&second.err));
	run_on_site(&s, refused, &third);
	cr_expect_eq(third.code, 2);
}

static void hex_of_page(char hex[DIGEST_HEX + 1])
{
	struct digest digest;
	struct err e;

	cr_assert_eq(digest_of("0123456789abcdef", 16, &digest, &e), 0);
	digest_hex(&digest, hex);
}

Test(cache, fetch_list_delete)
{
	static const char *const refused[] = { "cache", "delete", NULL };
	cleanup_server struct server w;
	cleanup_site struct site s;
	struct outcome o[6] = { 0 };
	char hex[DIGEST_HEX + 1], expected[512];

	server_start(&w, 16, 16);
	site_make(&s);
	hex_of_page(hex);
	list_package(&s, &w, hex);
	run_on_site(&s, fetch, &o[0]);
	cr_expect_eq(o[0].code, 0, "%s", buf_text(&o[0].err));
	cr_expect_not_null(strstr(buf_text(&o[0].err), "1 packages: 0 there, 1 fetched"), "%s", buf_text(&o[0].err));
	run_on_site(&s, fetch, &o[1]);
	cr_expect_eq(o[1].code, 0, "%s", buf_text(&o[1].err));
	cr_expect_eq(atomic_load(&w.requests), 1, "what is there is not fetched again");
	run_on_site(&s, list, &o[2]);
	snprintf(expected, sizeof(expected),
		 "%s         16 devel-5.14.0-70.x86_64_1.deb http://127.0.0.1:%d/devel-5.14.0-70.x86_64_1.deb\n", hex, w.port);
	cr_expect_str_eq(buf_text(&o[2].out), expected, "%s", buf_text(&o[2].out));
	run_on_site(&s, refused, &o[3]);
	cr_expect_eq(o[3].code, 2);
	run_on_site(&s, delete_all, &o[4]);
	cr_expect_eq(o[4].code, 0, "%s", buf_text(&o[4].err));
	run_on_site(&s, list, &o[5]);
	cr_expect_str_eq(buf_text(&o[5].out), "");
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		outcome_release(&o[i]);
}

Test(cache, a_package_that_is_not_what_it_was_fails)
{
	cleanup_server struct server w;
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	struct digest digest;
	struct err e;
	char hex[DIGEST_HEX + 1];

	server_start(&w, 16, 16);
	site_make(&s);
	cr_assert_eq(digest_of("something else!!", 16, &digest, &e), 0);
	digest_hex(&digest, hex);
	list_package(&s, &w, hex);
	run_on_site(&s, fetch, &o);
	cr_expect_eq(o.code, 1, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "devel-5.14.0-70.x86_64_1.deb"), "%s", buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "1 failed"), "%s", buf_text(&o.err));
}

/* Mirrors drop packages: those of a kernel that is not complete yet, or that no rule knows yet, are kept for the day it is. */
Test(cache, leftovers_are_fetched)
{
	cleanup_server struct server w;
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 }, listing = { 0 };
	static const char *const names[] = { "devel-5.14.0-70.x86_64_1.deb", "common-5.14.0-71_1.deb",
					     "devel-5.14.0-70.x86_64_0.deb" };
	cleanup_buf struct buf text = { 0 };
	char digests[512], hex[DIGEST_HEX + 1];
	struct err e;

	server_start(&w, 16, 16);
	site_make(&s);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_eq(buf_printf(&text, &e, "http://127.0.0.1:%d/%s\n", w.port, names[i]), 0);
	site_write(&s, "supported-kernels/second.txt", buf_text(&text));
	/* A recorded digest holds for a leftover as well. */
	hex_of_page(hex);
	hex[0] = hex[0] == '0' ? '1' : '0';
	snprintf(digests, sizeof(digests), "%s  16  http://127.0.0.1:%d/%s\n", hex, w.port, names[2]);
	site_write(&s, "supported-kernels/second.digests", digests);
	run_on_site(&s, fetch, &o);
	cr_expect_eq(o.code, 1, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "3 packages: 0 there, 2 fetched"), "%s", buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "1 failed"), "%s", buf_text(&o.err));
	run_on_site(&s, list, &listing);
	cr_expect_not_null(strstr(buf_text(&listing.out), names[0]), "%s", buf_text(&listing.out));
	cr_expect_not_null(strstr(buf_text(&listing.out), names[1]), "%s", buf_text(&listing.out));
	cr_expect_null(strstr(buf_text(&listing.out), names[2]), "%s", buf_text(&listing.out));
}

/* How a signal in the middle of a slow download ends the program. */
static void interrupt(const char *progress, int signal_number)
{
	cleanup_server struct server w;
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	cleanup_process struct process p = { .pid_fd = -1 };
	const char *const words[] = { "cache", "fetch", "--distro", "second", "--progress", progress, NULL };
	int out, err;

	server_start(&w, 1000000, 10);
	site_make(&s);
	list_package(&s, &w, NULL);
	start_on_site(&s, words, &p, &out, &err);
	struct pollfd asked = { .fd = w.asked[0], .events = POLLIN };
	cr_assert_eq(poll(&asked, 1, 20000), 1, "it never asked");
	int64_t start = clock_now_ms();
	kill(p.pid, signal_number);
	finish_program(&p, out, err, &o);
	cr_expect_eq(o.code, 4, "%s, signal %d: %d: %s", progress, signal_number, o.code, buf_text(&o.err));
	cr_expect_lt(clock_now_ms() - start, 5000, "%s, signal %d", progress, signal_number);
}

Test(cache, signals_cancel)
{
	static const char *const modes[] = { "plain", "json", "quiet", "tty" };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	/* Which thread gets a signal is the kernel's choice: once is not enough. */
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_LEN(modes); i++)
			interrupt(modes[i], SIGINT);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		interrupt("plain", signals[i]);
}
