// SPDX-License-Identifier: MIT
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static const char comm[] = "prover";

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void expect(struct scene *s, struct sighting sighting)
{
	if (s->count < SCENE_MAX) {
		s->sightings[s->count++] = sighting;
		s->missing++;
	}
}

void scene_subject(void)
{
	_exit(SCENE_STATUS);
}

static void run_process(struct scene *s)
{
	const uint32_t self = (uint32_t)getpid();
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl(SCENE_PROGRAM, SCENE_PROGRAM, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != SCENE_STATUS << 8) {
		tap_failed("scene", "a process", child < 0 ? errno : ECHILD);
		return;
	}
	expect(s, (struct sighting){
			  .what = "fork", .type = COLLECTOR_EVENT_FORK, .pid = self, .comm = comm, .child_pid = (uint32_t)child });
	expect(s, (struct sighting){ .what = "exec", .type = COLLECTOR_EVENT_EXEC, .pid = (uint32_t)child, .comm = "subject" });
	expect(s, (struct sighting){ .what = "exit",
				     .type = COLLECTOR_EVENT_EXIT,
				     .pid = (uint32_t)child,
				     .comm = "subject",
				     .status = (uint32_t)status });
}

/* Both address families behind one type. */
struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static struct address loopback(int family)
{
	struct address a = { .any.sa_family = (sa_family_t)family };

	if (family == AF_INET) {
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.len = sizeof(a.v4);
	} else {
		a.v6.sin6_addr = in6addr_loopback;
		a.len = sizeof(a.v6);
	}
	return a;
}

static uint16_t local_port(int fd)
{
	struct address a = { .len = sizeof(a) };

	if (getsockname(fd, &a.any, &a.len) != 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* The descriptors of both ends; false: some call failed, errno says why. */
static bool connect_ends(int family, int *listener, int *near, int *far)
{
	struct address a = loopback(family);

	*listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || bind(*listener, &a.any, a.len) != 0 || listen(*listener, 1) != 0 ||
	    getsockname(*listener, &a.any, &a.len) != 0)
		return false;
	*near = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*near < 0 || connect(*near, &a.any, a.len) != 0)
		return false;
	*far = accept(*listener, NULL, NULL);
	return *far >= 0;
}

static void run_connection(struct scene *s, int family)
{
	const bool v6 = family == AF_INET6;
	struct sighting tcp = { .pid = (uint32_t)getpid(),
				.comm = comm,
				.family = v6 ? COLLECTOR_FAMILY_IPV6 : COLLECTOR_FAMILY_IPV4 };
	int listener = -1, near = -1, far = -1;

	if (connect_ends(family, &listener, &near, &far)) {
		uint16_t client = local_port(near), server = local_port(listener);
		tcp.local_port = client;
		tcp.remote_port = server;
		tcp.what = v6 ? "connect-ipv6" : "connect";
		tcp.type = COLLECTOR_EVENT_TCP_CONNECT;
		expect(s, tcp);
		tcp.what = v6 ? "close-client-ipv6" : "close-client";
		tcp.type = COLLECTOR_EVENT_TCP_CLOSE;
		expect(s, tcp);
		tcp.local_port = server;
		tcp.remote_port = client;
		tcp.what = v6 ? "accept-ipv6" : "accept";
		tcp.type = COLLECTOR_EVENT_TCP_ACCEPT;
		expect(s, tcp);
		tcp.what = v6 ? "close-server-ipv6" : "close-server";
		tcp.type = COLLECTOR_EVENT_TCP_CLOSE;
		expect(s, tcp);
	} else {
		tap_failed("scene", v6 ? "a connection over IPv6" : "a connection", errno);
	}
	close(near);
	close(far);
	close(listener);
}

static bool has_ipv6(void)
{
	struct address a = loopback(AF_INET6);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && bind(fd, &a.any, a.len) == 0;

	close(fd);
	return good;
}

void scene_play(struct scene *s)
{
	bool v6 = has_ipv6();

	if (!v6)
		tap_note("no IPv6 on loopback");
	prctl(PR_SET_NAME, comm);
	s->begun_ns = now_ns();
	run_process(s);
	run_connection(s, AF_INET);
	if (v6)
		run_connection(s, AF_INET6);
}

/* --- what came --- */

static bool is_loopback(const struct collector_tcp *t, const uint8_t *address)
{
	static const uint8_t v4[16] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };

	return memcmp(address, t->family == COLLECTOR_FAMILY_IPV6 ? v6 : v4, 16) == 0;
}

/* 1 it is the one, 0 another one of this type, -1 the one, but something in it is wrong. */
static int compare(const struct sighting *e, const struct collector_event *event)
{
	const struct collector_exec *exec = (const void *)event;
	const struct collector_fork *forked = (const void *)event;
	const struct collector_exit *gone = (const void *)event;
	const struct collector_tcp *tcp = (const void *)event;

	switch (e->type) {
	case COLLECTOR_EVENT_EXEC:
		if (event->tgid != e->pid || event->size < sizeof(*exec))
			return 0;
		return exec->path_size == sizeof(SCENE_PROGRAM) && exec->path_size <= event->size - sizeof(*exec) &&
				       memcmp(exec->path, SCENE_PROGRAM, sizeof(SCENE_PROGRAM)) == 0
			       ? 1
			       : -1;
	case COLLECTOR_EVENT_FORK:
		if (event->size < sizeof(*forked) || forked->child_pid != e->child_pid)
			return 0;
		return 1;
	case COLLECTOR_EVENT_EXIT:
		if (event->tgid != e->pid || event->size < sizeof(*gone))
			return 0;
		return gone->status == e->status ? 1 : -1;
	default:
		if (event->size < sizeof(*tcp) || tcp->family != e->family || tcp->local_port != e->local_port ||
		    tcp->remote_port != e->remote_port)
			return 0;
		return is_loopback(tcp, tcp->local_address) && is_loopback(tcp, tcp->remote_address) ? 1 : -1;
	}
}

static void take(struct scene *s, struct sighting *e, const struct collector_event *event)
{
	int fits = compare(e, event);

	if (fits == 0)
		return;
	if (fits > 0 && event->pid == e->pid && event->tgid == e->pid && event->uid == 0 &&
	    strncmp(event->comm, e->comm, sizeof(event->comm)) == 0 && event->time_ns >= s->begun_ns &&
	    event->time_ns <= now_ns()) {
		e->seen = true;
		s->missing--;
		return;
	}
	snprintf(e->wrong, sizeof(e->wrong), "reported with %s: pid %u tgid %u uid %u comm '%.*s' time %+lld ns",
		 fits > 0 ? "another origin" : "other contents", event->pid, event->tgid, event->uid, COLLECTOR_COMM_SIZE,
		 event->comm, (long long)(event->time_ns - s->begun_ns));
}

void scene_note(struct scene *s, const void *record, size_t size)
{
	const struct collector_event *event = record;

	if (size < sizeof(*event) || event->size > size || event->version != COLLECTOR_EVENT_VERSION) {
		if (s->records++ == 0)
			tap_test(false, "records", "the first one has an impossible size or version");
		return;
	}
	s->records++;
	for (size_t i = 0; i < s->count; i++)
		if (!s->sightings[i].seen && s->sightings[i].type == event->type)
			take(s, &s->sightings[i], event);
}

void scene_report(const struct scene *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct sighting *e = &s->sightings[i];
		tap_test(e->seen, e->what, e->seen ? NULL : *e->wrong ? e->wrong : "not reported");
	}
}
