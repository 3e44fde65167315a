// SPDX-License-Identifier: MIT
/*
 * Loads and attaches the eBPF probe and prints what it reports. Needs libbpf 1.0 or
 * newer, for which one object is as good as the other: ring buffer or perf buffer.
 *	collector-bpf-reader FILE.o [MS]	ends when nothing has happened for MS ms
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

static void die(const char *what)
{
	fprintf(stderr, "collector-bpf-reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void record_print(const void *data, size_t size)
{
	const struct collector_event *event = data;

	if (size >= sizeof(*event) && event->size <= size)
		event_print(event);
}

static int on_ring_record(void *context, void *data, size_t size)
{
	(void)context;
	record_print(data, size);
	return 0;
}

static void on_perf_record(void *context, int cpu, void *data, uint32_t size)
{
	(void)context;
	(void)cpu;
	record_print(data, size);
}

static void on_perf_lost(void *context, int cpu, unsigned long long count)
{
	(void)context;
	fprintf(stderr, "collector-bpf-reader: cpu %d: %llu events lost\n", cpu, count);
}

static void programs_attach(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program))
			die(bpf_program__section_name(program));
	}
}

static void dropped_print(struct bpf_object *object)
{
	int count = libbpf_num_possible_cpus();
	int fd = bpf_object__find_map_fd_by_name(object, "dropped");
	uint64_t *values = calloc(count > 0 ? count : 1, sizeof(*values));
	uint64_t sum = 0;
	uint32_t zero = 0;

	if (values && bpf_map_lookup_elem(fd, &zero, values) == 0) {
		for (int i = 0; i < count; i++)
			sum += values[i];
	}
	if (sum)
		fprintf(stderr, "collector-bpf-reader: %" PRIu64 " events dropped\n", sum);
	free(values);
}

int main(int argc, char **argv)
{
	int idle_ms = argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1;
	struct bpf_object *object = argc > 1 ? bpf_object__open(argv[1]) : NULL;
	struct bpf_map *events;
	struct ring_buffer *ring = NULL;
	struct perf_buffer *perf = NULL;

	if (!object)
		die("opening the object");
	if (bpf_object__load(object) != 0)
		die("loading the object");
	events = bpf_object__find_map_by_name(object, "events");
	if (events && bpf_map__type(events) == BPF_MAP_TYPE_RINGBUF)
		ring = ring_buffer__new(bpf_map__fd(events), on_ring_record, NULL, NULL);
	else if (events)
		perf = perf_buffer__new(bpf_map__fd(events), 64, on_perf_record, on_perf_lost, NULL, NULL);
	if (!ring && !perf)
		die("the map 'events'");
	programs_attach(object);
	fprintf(stderr, "collector-bpf-reader: attached\n");
	while ((ring ? ring_buffer__poll(ring, idle_ms) : perf_buffer__poll(perf, idle_ms)) > 0)
		fflush(stdout);
	dropped_print(object);
	ring_buffer__free(ring);
	perf_buffer__free(perf);
	bpf_object__close(object);
	return 0;
}
