/* The layout of probe/event.h is a contract between builds that are years apart: every number here is one that old readers have. */
#include <criterion/criterion.h>
#include <stddef.h>

#include "../../probe/event.h"

static const struct {
	const char *what;
	size_t is, must_be;
} LAYOUT[] = {
	{ "event.size", offsetof(struct collector_event, size), 0 },
	{ "event.type", offsetof(struct collector_event, type), 4 },
	{ "event.version", offsetof(struct collector_event, version), 6 },
	{ "event.flags", offsetof(struct collector_event, flags), 7 },
	{ "event.time_ns", offsetof(struct collector_event, time_ns), 8 },
	{ "event.pid", offsetof(struct collector_event, pid), 16 },
	{ "event.tgid", offsetof(struct collector_event, tgid), 20 },
	{ "event.uid", offsetof(struct collector_event, uid), 24 },
	{ "event.cpu", offsetof(struct collector_event, cpu), 28 },
	{ "event.comm", offsetof(struct collector_event, comm), 32 },
	{ "event", sizeof(struct collector_event), 48 },
	{ "exec.path_size", offsetof(struct collector_exec, path_size), 48 },
	{ "exec.path", offsetof(struct collector_exec, path), 56 },
	{ "exec", sizeof(struct collector_exec), 56 },
	{ "fork.child_pid", offsetof(struct collector_fork, child_pid), 48 },
	{ "fork", sizeof(struct collector_fork), 56 },
	{ "exit.status", offsetof(struct collector_exit, status), 48 },
	{ "exit", sizeof(struct collector_exit), 56 },
	{ "tcp.family", offsetof(struct collector_tcp, family), 48 },
	{ "tcp.local_port", offsetof(struct collector_tcp, local_port), 50 },
	{ "tcp.remote_port", offsetof(struct collector_tcp, remote_port), 52 },
	{ "tcp.local_address", offsetof(struct collector_tcp, local_address), 56 },
	{ "tcp.remote_address", offsetof(struct collector_tcp, remote_address), 72 },
	{ "tcp", sizeof(struct collector_tcp), 88 },
	{ "header.magic", offsetof(struct collector_ring_header, magic), 0 },
	{ "header.version", offsetof(struct collector_ring_header, version), 4 },
	{ "header.event_version", offsetof(struct collector_ring_header, event_version), 6 },
	{ "header.cpu", offsetof(struct collector_ring_header, cpu), 8 },
	{ "header.cpus", offsetof(struct collector_ring_header, cpus), 12 },
	{ "header.data_size", offsetof(struct collector_ring_header, data_size), 16 },
	{ "header.header_offset", offsetof(struct collector_ring_header, header_offset), 20 },
	{ "header.data_offset", offsetof(struct collector_ring_header, data_offset), 24 },
	{ "header.stride", offsetof(struct collector_ring_header, stride), 28 },
	{ "header.head", offsetof(struct collector_ring_header, head), 64 },
	{ "header.dropped", offsetof(struct collector_ring_header, dropped), 68 },
	{ "consumer.tail", offsetof(struct collector_ring_consumer, tail), 0 },
};

Test(event, layout_never_moves)
{
	for (size_t i = 0; i < sizeof(LAYOUT) / sizeof(LAYOUT[0]); i++)
		cr_expect_eq(LAYOUT[i].is, LAYOUT[i].must_be, "%s: %zu, must be %zu", LAYOUT[i].what, LAYOUT[i].is,
			     LAYOUT[i].must_be);
}

/* A 64-bit member that needs its own alignment would make a 32-bit reader see other offsets. */
Test(event, records_are_multiples_of_their_alignment)
{
	cr_expect_eq(sizeof(struct collector_event) % COLLECTOR_RECORD_ALIGN, 0);
	cr_expect_eq(sizeof(struct collector_fork) % COLLECTOR_RECORD_ALIGN, 0);
	cr_expect_eq(sizeof(struct collector_exit) % COLLECTOR_RECORD_ALIGN, 0);
	cr_expect_eq(sizeof(struct collector_tcp) % COLLECTOR_RECORD_ALIGN, 0);
	cr_expect_eq(offsetof(struct collector_event, time_ns) % 8, 0);
}
