/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the kernel side of the Collector tells user space: the records, and the
 * shared memory that the module hands them over in. One header for the module,
 * the eBPF probe and their readers; it does not say how to transport anything
 * but the module's rings.
 *
 * Layout rules: fixed-width members only, everything naturally aligned with
 * explicit padding, so that 32-bit and 64-bit readers see the same bytes.
 * Integers are in host order, addresses in network order. A record only ever
 * grows at its end (readers go by `size`); any other change raises
 * COLLECTOR_EVENT_VERSION.
 */
#ifndef COLLECTOR_EVENT_H
#define COLLECTOR_EVENT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define COLLECTOR_EVENT_VERSION 1
#define COLLECTOR_RING_VERSION	1
#define COLLECTOR_RING_MAGIC	0x474e4952u /* "RING" */

#define COLLECTOR_DEVICE	"/dev/collector"
#define COLLECTOR_COMM_SIZE	16
#define COLLECTOR_PATH_MAX	4096 /* NUL included, as PATH_MAX */
#define COLLECTOR_RECORD_ALIGN	8

/* `family` of a TCP record: the kernel's AF_INET and AF_INET6 */
#define COLLECTOR_FAMILY_IPV4 2
#define COLLECTOR_FAMILY_IPV6 10

enum collector_event_type {
	COLLECTOR_EVENT_PAD = 0,	 /* only `size` is valid; skip it */
	COLLECTOR_EVENT_EXEC = 1,	 /* struct collector_exec */
	COLLECTOR_EVENT_FORK = 2,	 /* struct collector_fork */
	COLLECTOR_EVENT_EXIT = 3,	 /* struct collector_exit */
	COLLECTOR_EVENT_TCP_CONNECT = 4, /* struct collector_tcp */
	COLLECTOR_EVENT_TCP_ACCEPT = 5,	 /* struct collector_tcp */
	COLLECTOR_EVENT_TCP_CLOSE = 6,	 /* struct collector_tcp */
};

/* flags */
#define COLLECTOR_FLAG_TRUNCATED 0x01 /* the path did not fit */

/*
 * Start of every record. A padding record may be as short as the first eight
 * bytes. Who: the task that acted, in the initial pid and user namespaces.
 */
struct collector_event {
	uint32_t size; /* bytes of the whole record, a multiple of COLLECTOR_RECORD_ALIGN */
	uint16_t type;
	uint8_t version; /* COLLECTOR_EVENT_VERSION */
	uint8_t flags;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;	  /* thread */
	uint32_t tgid;	  /* process */
	uint32_t uid;	  /* real user id */
	uint32_t cpu;
	char comm[COLLECTOR_COMM_SIZE]; /* NUL-terminated */
};

/* A process has a new program. `comm` and `uid` are the new program's. */
struct collector_exec {
	struct collector_event event;
	uint32_t path_size; /* bytes of path, NUL included */
	uint32_t reserved;
	/* As handed to execve(2), so possibly relative; NUL-terminated and
	 * padded with junk up to event.size. */
	char path[];
};

/* The task made a process. New threads are not reported. */
struct collector_fork {
	struct collector_event event;
	uint32_t child_pid; /* thread id and process id are the same */
	uint32_t reserved;
};

/* The last thread of a process goes; `pid` is that thread. */
struct collector_exit {
	struct collector_event event;
	uint32_t status; /* as in wait(2) */
	uint32_t reserved;
};

/*
 * CONNECT: the first SYN is about to go out. ACCEPT: the connection was handed
 * to the accepting task. CLOSE: the last descriptor of a socket that had a peer
 * was closed; no matter whether the peer had answered or was still there.
 */
struct collector_tcp {
	struct collector_event event;
	uint16_t family; /* COLLECTOR_FAMILY_* */
	uint16_t local_port;
	uint16_t remote_port;
	uint16_t reserved;
	uint8_t local_address[16]; /* IPv4: the first four bytes, the rest is zero */
	uint8_t remote_address[16];
};

/*
 * The rings of COLLECTOR_DEVICE. CPU n's part of the file begins at n * stride:
 *
 *	0			consumer page	reader writes, map it read-write
 *	header_offset		header page	kernel writes, map it read-only
 *	data_offset		data_size bytes	kernel writes, map it read-only
 *
 * header_offset is the page size; the other numbers stand in the header, so CPU
 * 0's header page (file offset: one page) is mapped first to learn them. `head`
 * and `tail` count bytes for ever, modulo 2^32; data_size is a power of two;
 * counter & (data_size - 1) is the place in the data. Records never wrap: a
 * padding record fills the end when the next one does not fit there.
 *
 * The reader loads `head` (acquire), reads records up to it, then stores `tail`
 * (release). A tail that is not within data_size of head makes the kernel drop
 * every event of that CPU until it is.
 */
struct collector_ring_header {
	uint32_t magic;
	uint16_t version; /* COLLECTOR_RING_VERSION */
	uint16_t event_version;
	uint32_t cpu;
	uint32_t cpus; /* CPU numbers are below this; some may have no ring (ENXIO) */
	uint32_t data_size;
	uint32_t header_offset;
	uint32_t data_offset;
	uint32_t stride;
	uint8_t reserved[32];
	uint32_t head;
	uint32_t dropped; /* events lost since load, modulo 2^32 */
};

struct collector_ring_consumer {
	uint32_t tail;
};

#endif
