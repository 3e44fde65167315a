// SPDX-License-Identifier: MIT
/*
 * Prints what the module reports, a line for each event.
 *	collector-reader [MS]	ends when nothing has happened for MS ms; else never
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "print.h"
#include "ring.h"

struct cpu {
	struct ring_view view;
	uint32_t dropped_before;
};

static void die(const char *what)
{
	fprintf(stderr, "collector-reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* False: this CPU number has no ring. */
static int cpu_map(int fd, const struct collector_ring_header *geometry, uint32_t number, struct cpu *cpu)
{
	off_t start = (off_t)number * geometry->stride;
	size_t header_size = geometry->data_offset - geometry->header_offset;
	struct collector_ring_header *header;
	void *consumer = mmap(NULL, geometry->header_offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);

	if (consumer == MAP_FAILED && errno == ENXIO)
		return 0;
	if (consumer == MAP_FAILED)
		die("mapping a consumer page");
	header = mmap(NULL, header_size + geometry->data_size, PROT_READ, MAP_SHARED, fd, start + geometry->header_offset);
	if (header == MAP_FAILED)
		die("mapping a ring");
	if (ring_view_init(&cpu->view, header, consumer, (char *)header + header_size) != 0) {
		errno = EPROTO;
		die("a ring's header");
	}
	cpu->dropped_before = header->dropped;
	return 1;
}

static int cpu_drain(struct cpu *cpu)
{
	const struct collector_event *event;
	int status;
	int count = 0;

	while ((status = ring_view_next(&cpu->view, &event)) > 0) {
		event_print(event);
		count++;
	}
	if (status < 0) {
		errno = EPROTO;
		die("a ring");
	}
	if (cpu->view.header->dropped != cpu->dropped_before)
		fprintf(stderr, "collector-reader: cpu %u: %u events dropped\n", cpu->view.header->cpu,
			cpu->view.header->dropped - cpu->dropped_before);
	cpu->dropped_before = cpu->view.header->dropped;
	return count;
}

int main(int argc, char **argv)
{
	long page = sysconf(_SC_PAGESIZE);
	int idle_ms = argc > 1 ? (int)strtol(argv[1], NULL, 10) : -1;
	int fd = open(COLLECTOR_DEVICE, O_RDWR | O_CLOEXEC);
	const struct collector_ring_header *geometry;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct cpu *cpus;
	uint32_t count = 0;

	if (fd < 0)
		die(COLLECTOR_DEVICE);
	geometry = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	if (geometry == MAP_FAILED)
		die("mapping the first header");
	cpus = calloc(geometry->cpus, sizeof(*cpus));
	if (!cpus)
		die("memory");
	for (uint32_t i = 0; i < geometry->cpus; i++)
		count += cpu_map(fd, geometry, i, &cpus[count]);
	for (;;) {
		for (uint32_t i = 0; i < count; i++)
			cpu_drain(&cpus[i]);
		fflush(stdout);
		if (poll(&wait, 1, idle_ms) == 0)
			return 0;
	}
}
