// SPDX-License-Identifier: MIT
/* The eBPF object: through the verifier, attached, read through its map, detached. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"
#include "tap.h"

enum { PROGRAMS_MAX = 64, PERF_PAGES = 64, LOG_LINES = 12, LOG_LINE = 256 };

/* The end of what libbpf complained about; the verifier's words are among it. */
static struct {
	char lines[LOG_LINES][LOG_LINE];
	unsigned count;
	bool verifier;
} complaint;

static void complaint_add(const char *line, size_t len)
{
	char *slot = complaint.lines[complaint.count++ % LOG_LINES];

	snprintf(slot, LOG_LINE, "%.*s", (int)len, line);
	complaint.verifier |= strstr(slot, "BEGIN PROG LOAD LOG") != NULL;
}

static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end > line)
			complaint_add(line, (size_t)(end - line));
	}
	free(text);
	return 0;
}

/* The verifier's last word before its statistics; else what libbpf said first. */
static const char *complaint_gist(void)
{
	unsigned first = complaint.count > LOG_LINES ? complaint.count - LOG_LINES : 0;

	for (unsigned i = complaint.count; complaint.verifier && i > first; i--) {
		const char *line = complaint.lines[(i - 1) % LOG_LINES];
		if (strncmp(line, "libbpf:", 7) != 0 && strncmp(line, "processed ", 10) != 0 && strncmp(line, "-- END", 6) != 0)
			return line;
	}
	return complaint.count ? complaint.lines[first % LOG_LINES] : "no reason given";
}

static void complaint_show(void)
{
	unsigned first = complaint.count > LOG_LINES ? complaint.count - LOG_LINES : 0;

	for (unsigned i = first; i < complaint.count; i++)
		tap_note("%s", complaint.lines[i % LOG_LINES]);
}

static bool load(struct bpf_object *object)
{
	int rc = bpf_object__load(object);

	if (rc == 0)
		return tap_test(true, "load", NULL);
	complaint_show();
	return tap_failed(complaint.verifier ? "verifier" : "load", complaint_gist(), rc < 0 ? -rc : errno);
}

/* Gives how many links there are; a program that nothing says where to attach is passed over. */
static int attach(struct bpf_object *object, struct bpf_link **links)
{
	struct bpf_program *program;
	int count = 0;

	bpf_object__for_each_program(program, object)
	{
		if (count == PROGRAMS_MAX)
			break;
		links[count] = bpf_program__attach(program);
		if (links[count]) {
			count++;
			continue;
		}
		if (errno == EOPNOTSUPP) {
			tap_note("%s is not attached by its name", bpf_program__section_name(program));
			continue;
		}
		tap_failed("attach", bpf_program__section_name(program), errno);
		complaint_show();
		return count;
	}
	tap_test(true, "attach", NULL);
	return count;
}

static int on_ring_record(void *context, void *data, size_t size)
{
	scene_note(context, data, size);
	return 0;
}

static void on_perf_record(void *context, int cpu, void *data, uint32_t size)
{
	(void)cpu;
	scene_note(context, data, size);
}

static void watch_scene(struct bpf_object *object)
{
	static struct scene s;
	struct bpf_map *events = bpf_object__find_map_by_name(object, "events");
	struct ring_buffer *ring = NULL;
	struct perf_buffer *perf = NULL;

	if (events && bpf_map__type(events) == BPF_MAP_TYPE_RINGBUF)
		ring = ring_buffer__new(bpf_map__fd(events), on_ring_record, &s, NULL);
	else if (events)
		perf = perf_buffer__new(bpf_map__fd(events), PERF_PAGES, on_perf_record, NULL, &s, NULL);
	if (!tap_test(ring || perf, "device", ring || perf ? NULL : "no usable map 'events'"))
		return;
	scene_play(&s);
	while (s.missing && (ring ? ring_buffer__poll(ring, IDLE_MS) : perf_buffer__poll(perf, IDLE_MS)) > 0)
		;
	scene_report(&s);
	tap_note("bpf events %lu", s.records);
	ring_buffer__free(ring);
	perf_buffer__free(perf);
}

void bpf_try(const char *path, bool events)
{
	struct bpf_link *links[PROGRAMS_MAX];
	bool good = true;

	libbpf_set_print(listen_to_libbpf);
	struct bpf_object *object = bpf_object__open(path);
	if (!object) {
		complaint_show();
		tap_failed("load", complaint_gist(), errno);
		return;
	}
	if (load(object)) {
		int count = attach(object, links);
		if (events)
			watch_scene(object);
		for (int i = 0; i < count; i++)
			good = bpf_link__destroy(links[i]) == 0 && good;
		tap_test(good, "unload", good ? NULL : "a program could not be detached");
	}
	bpf_object__close(object);
}
