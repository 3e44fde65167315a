/* SPDX-License-Identifier: MIT */
/* One line of text for one record. */
#ifndef COLLECTOR_READER_PRINT_H
#define COLLECTOR_READER_PRINT_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "../event.h"

static inline void tcp_print(const char *what, const struct collector_tcp *t)
{
	int family = t->family == COLLECTOR_FAMILY_IPV6 ? AF_INET6 : AF_INET;
	char local[INET6_ADDRSTRLEN] = "?";
	char remote[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, t->local_address, local, sizeof(local));
	inet_ntop(family, t->remote_address, remote, sizeof(remote));
	printf(" %s [%s]:%u [%s]:%u", what, local, t->local_port, remote, t->remote_port);
}

/* Bytes beyond what the record's own size covers are not looked at. */
static inline void event_print(const struct collector_event *e)
{
	const struct collector_exec *exec = (const void *)e;
	const struct collector_fork *fork = (const void *)e;
	const struct collector_exit *exit = (const void *)e;
	const struct collector_tcp *tcp = (const void *)e;

	printf("%" PRIu64 " cpu=%u pid=%u tgid=%u uid=%u comm=%.*s", e->time_ns, e->cpu, e->pid, e->tgid, e->uid,
	       COLLECTOR_COMM_SIZE, e->comm);
	if (e->type == COLLECTOR_EVENT_EXEC && e->size >= sizeof(*exec) && exec->path_size <= e->size - sizeof(*exec))
		printf(" exec %.*s", (int)exec->path_size, exec->path);
	else if (e->type == COLLECTOR_EVENT_FORK && e->size >= sizeof(*fork))
		printf(" fork child=%u", fork->child_pid);
	else if (e->type == COLLECTOR_EVENT_EXIT && e->size >= sizeof(*exit))
		printf(" exit status=%#x", exit->status);
	else if (e->type == COLLECTOR_EVENT_TCP_CONNECT && e->size >= sizeof(*tcp))
		tcp_print("connect", tcp);
	else if (e->type == COLLECTOR_EVENT_TCP_ACCEPT && e->size >= sizeof(*tcp))
		tcp_print("accept", tcp);
	else if (e->type == COLLECTOR_EVENT_TCP_CLOSE && e->size >= sizeof(*tcp))
		tcp_print("close", tcp);
	else
		printf(" type=%u size=%u", e->type, e->size);
	putchar('\n');
}

#endif
