// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Collector's eBPF probe: the same events at the same places as the module
 * (module/tcp.c says why these functions). Records go to the map `events`, a ring
 * buffer where the kernel has one (5.8 and up), else a perf event array; either way
 * one sample is one record of event.h. The map `dropped` counts what did not fit.
 *
 * Section names are the ones that libbpf attaches by. No loops, no calls, no
 * globals: the verifier of 4.14 has to take it.
 */
#include "../event.h"
#include "helpers.h"

#define RING_BYTES (4 * 1024 * 1024)

/* A record's size as the verifier sees it: any value below the mask, from a buffer
 * that is as long. Twice PATH_MAX because a path may be PATH_MAX itself. */
#define TEXT_MASK (2 * COLLECTOR_PATH_MAX - 1)

struct scratch {
	uint64_t words[(sizeof(struct collector_exec) + TEXT_MASK + 1) / 8];
};

#if HAS_RINGBUF
struct {
	MAP_NUMBER(type, MAP_RINGBUF);
	MAP_NUMBER(max_entries, RING_BYTES);
} events SEC(".maps");
#else
struct {
	MAP_NUMBER(type, MAP_PERF_EVENT_ARRAY);
	MAP_NUMBER(key_size, sizeof(uint32_t));
	MAP_NUMBER(value_size, sizeof(uint32_t));
} events SEC(".maps");
#endif

struct {
	MAP_NUMBER(type, MAP_PERCPU_ARRAY);
	MAP_NUMBER(max_entries, 1);
	MAP_TYPE(key, uint32_t);
	MAP_TYPE(value, uint64_t);
} dropped SEC(".maps");

/* A path does not fit on the stack of 512 bytes. */
struct {
	MAP_NUMBER(type, MAP_PERCPU_ARRAY);
	MAP_NUMBER(max_entries, 1);
	MAP_TYPE(key, uint32_t);
	MAP_TYPE(value, struct scratch);
} scratch SEC(".maps");

/* A program's context: a tracepoint's event, or the registers at a probe. */
#define CONTEXT_READ(type, context, offset) (*(const type *)((const char *)(context) + (offset)))

inline_always void event_fill(struct collector_event *event, uint32_t size, uint16_t type)
{
	uint64_t pid_tgid = current_pid_tgid();

	event->size = size;
	event->type = type;
	event->version = COLLECTOR_EVENT_VERSION;
	event->flags = 0;
	event->time_ns = time_ns();
	event->pid = (uint32_t)pid_tgid;
	event->tgid = pid_tgid >> 32;
	event->uid = (uint32_t)current_uid_gid();
	event->cpu = cpu_number();
	current_comm(event->comm, sizeof(event->comm));
}

inline_always void event_send(void *context, void *record, uint64_t size)
{
	uint32_t zero = 0;
	uint64_t *lost;
	long err;

#if HAS_RINGBUF
	err = ringbuf_output(&events, record, size, 0);
#else
	err = perf_event_output(context, &events, PERF_CURRENT_CPU, record, size);
#endif
	if (!err)
		return;
	lost = map_lookup(&dropped, &zero);
	if (lost)
		*lost += 1; /* this CPU's own */
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *context)
{
	/* length << 16 | offset from the start of the event */
	uint32_t place = CONTEXT_READ(uint32_t, context, EXEC_FILENAME);
	const char *path = (const char *)context + (place & 0xffff);
	uint32_t zero = 0;
	struct collector_exec *record = map_lookup(&scratch, &zero);
	uint64_t padded;
	long length;

	if (!record)
		return 0;
	length = kernel_read_string(record->path, COLLECTOR_PATH_MAX, path);
	if (length <= 0) {
		record->path[0] = '\0';
		length = 1;
	}
	padded = (length + COLLECTOR_RECORD_ALIGN - 1) & ~(uint64_t)(COLLECTOR_RECORD_ALIGN - 1);
	/* The compiler knows that this changes nothing and would leave it out; the
	 * verifier does not know. */
	asm volatile("%0 &= %1" : "+r"(padded) : "i"(TEXT_MASK));
	event_fill(&record->event, sizeof(*record) + padded, COLLECTOR_EVENT_EXEC);
	record->path_size = length;
	record->reserved = 0;
	event_send(context, record, sizeof(*record) + padded);
	return 0;
}

SEC("tracepoint/task/task_newtask")
int on_fork(void *context)
{
	uint64_t flags = CONTEXT_READ(uint64_t, context, NEWTASK_FLAGS);
	uint32_t pid = CONTEXT_READ(uint32_t, context, NEWTASK_PID);
	struct collector_fork record = {};

	/* pid 0: an idle task for a CPU that comes up */
	if ((flags & CLONE_THREAD) || pid == 0)
		return 0;
	event_fill(&record.event, sizeof(record), COLLECTOR_EVENT_FORK);
	record.child_pid = pid;
	event_send(context, &record, sizeof(record));
	return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int on_exit(void *context)
{
	struct collector_exit record = {};
	char *task = current_task();
	char *signal = 0;
	uint32_t live = 0;

	kernel_read(&signal, sizeof(signal), task + TASK_SIGNAL);
	kernel_read(&live, sizeof(live), signal + SIGNAL_LIVE);
	/* do_exit() has counted this thread out already: none left, the process ends. */
	if (live != 0)
		return 0;
	kernel_read(&record.status, sizeof(record.status), task + TASK_EXIT_CODE);
	event_fill(&record.event, sizeof(record), COLLECTOR_EVENT_EXIT);
	event_send(context, &record, sizeof(record));
	return 0;
}

/* The protocol number is a bit field up to 5.5 and has no offset; the name has. */
inline_always int sock_is_tcp(const char *sk)
{
	char *proto = 0;
	char name[4] = "";

	kernel_read(&proto, sizeof(proto), sk + SOCK_PROTO);
	kernel_read(name, sizeof(name), proto + PROTO_NAME);
	return name[0] == 'T' && name[1] == 'C' && name[2] == 'P' && (name[3] == '\0' || name[3] == 'v'); /* TCP, TCPv6 */
}

inline_always uint16_t port_read(const char *sk, uint32_t offset)
{
	uint16_t port = 0;

	kernel_read(&port, sizeof(port), sk + offset);
	return __builtin_bswap16(port);
}

inline_always void tcp_send(void *context, const char *sk, uint16_t type)
{
	struct collector_tcp record = {};
	uint8_t state = 0;

	if (!sk || !sock_is_tcp(sk))
		return;
	kernel_read(&record.family, sizeof(record.family), sk + SOCK_FAMILY);
	kernel_read(&state, sizeof(state), sk + SOCK_STATE);
	record.local_port = port_read(sk, INET_LOCAL_PORT);
	record.remote_port = port_read(sk, INET_REMOTE_PORT);
	/* Listeners and sockets that never had a peer are no connections. */
	if (state == TCP_STATE_LISTEN || record.remote_port == 0)
		return;
	if (record.family == COLLECTOR_FAMILY_IPV4) {
		kernel_read(record.local_address, 4, sk + INET_LOCAL_ADDRESS);
		kernel_read(record.remote_address, 4, sk + INET_REMOTE_ADDRESS);
#if HAS_IPV6
	} else if (record.family == COLLECTOR_FAMILY_IPV6) {
		kernel_read(record.local_address, 16, sk + SOCK_LOCAL_ADDRESS6);
		kernel_read(record.remote_address, 16, sk + SOCK_REMOTE_ADDRESS6);
#endif
	} else {
		return;
	}
	event_fill(&record.event, sizeof(record), type);
	event_send(context, &record, sizeof(record));
}

SEC("kprobe/tcp_connect")
int on_connect(void *registers)
{
	tcp_send(registers, CONTEXT_READ(char *, registers, REGS_ARGUMENT), COLLECTOR_EVENT_TCP_CONNECT);
	return 0;
}

SEC("kprobe/tcp_close")
int on_close(void *registers)
{
	tcp_send(registers, CONTEXT_READ(char *, registers, REGS_ARGUMENT), COLLECTOR_EVENT_TCP_CLOSE);
	return 0;
}

#if HAS_SOCK_GRAFT
SEC("kprobe/security_sock_graft")
int on_accept(void *registers)
{
	tcp_send(registers, CONTEXT_READ(char *, registers, REGS_ARGUMENT), COLLECTOR_EVENT_TCP_ACCEPT);
	return 0;
}
#else
SEC("kretprobe/inet_csk_accept")
int on_accept(void *registers)
{
	tcp_send(registers, CONTEXT_READ(char *, registers, REGS_RESULT), COLLECTOR_EVENT_TCP_ACCEPT);
	return 0;
}
#endif

/* Some helpers are for GPL programs only; kernels before 5.0 take a probe's program
 * only with their own version. */
const char license_name[] SEC("license") = "GPL";
const uint32_t version_code SEC("version") = KERNEL_VERSION_CODE;
const char version_text[] SEC("collector_version") = COLLECTOR_MODULE_VERSION;
