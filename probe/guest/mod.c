// SPDX-License-Identifier: MIT
/* The module: loaded, read through its device, unloaded. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../reader/ring.h"
#include "kind.h"
#include "tap.h"

enum { CPUS_MAX = 64 };

struct reader {
	int fd;
	const struct collector_ring_header *geometry;
	struct ring_view views[CPUS_MAX];
	uint32_t dropped[CPUS_MAX]; /* before the scene */
	unsigned count;
};

/* /proc/modules begins with the newest. */
static bool newest_module(char *name, size_t room)
{
	FILE *f = fopen("/proc/modules", "re");
	char line[256];
	bool found = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	if (!found)
		return false;
	line[strcspn(line, " ")] = '\0';
	snprintf(name, room, "%.*s", (int)room - 1, line);
	return true;
}

/* False only with errno; a CPU number without a ring is passed over. */
static bool map_cpu(struct reader *r, const struct collector_ring_header *geometry, uint32_t cpu)
{
	off_t start = (off_t)cpu * geometry->stride;
	size_t header_size = geometry->data_offset - geometry->header_offset;
	void *consumer = mmap(NULL, geometry->header_offset, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, start);

	if (consumer == MAP_FAILED)
		return errno == ENXIO;
	char *header = mmap(NULL, header_size + geometry->data_size, PROT_READ, MAP_SHARED, r->fd, start + geometry->header_offset);
	if (header == MAP_FAILED)
		return false;
	if (ring_view_init(&r->views[r->count], (const void *)header, consumer, header + header_size) != 0) {
		errno = EPROTO;
		return false;
	}
	r->dropped[r->count] = r->views[r->count].header->dropped;
	r->count++;
	return true;
}

static bool reader_open(struct reader *r)
{
	long page = sysconf(_SC_PAGESIZE);

	r->fd = open(COLLECTOR_DEVICE, O_RDWR | O_CLOEXEC);
	if (r->fd < 0)
		return tap_failed("device", COLLECTOR_DEVICE, errno);
	const struct collector_ring_header *geometry = r->geometry = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, r->fd, page);
	if (geometry == MAP_FAILED)
		return tap_failed("device", "mapping the first header", errno);
	if (geometry->magic != COLLECTOR_RING_MAGIC || geometry->header_offset != (uint32_t)page || geometry->cpus > CPUS_MAX)
		return tap_test(false, "device", "the first header is none");
	for (uint32_t cpu = 0; cpu < geometry->cpus; cpu++)
		if (!map_cpu(r, geometry, cpu))
			return tap_failed("device", "mapping a ring", errno);
	return tap_test(r->count > 0, "device", r->count ? NULL : "no ring at all");
}

/* What is mapped holds the module as the descriptor does. */
static void reader_close(struct reader *r)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < r->count; i++) {
		const struct collector_ring_header *h = r->views[i].header;
		size_t size = h->data_offset - h->header_offset + (size_t)r->views[i].data_size;
		munmap(r->views[i].consumer, page);
		munmap((void *)h, size);
	}
	if (r->geometry && r->geometry != MAP_FAILED)
		munmap((void *)r->geometry, page);
	if (r->fd >= 0)
		close(r->fd);
}

/* Until all is there that must come, or nothing comes any more. */
static void reader_drain(struct reader *r, struct scene *s)
{
	struct pollfd wait = { .fd = r->fd, .events = POLLIN };

	do {
		for (unsigned i = 0; i < r->count; i++) {
			const struct collector_event *event;
			int status;
			while ((status = ring_view_next(&r->views[i], &event)) > 0)
				scene_note(s, event, event->size);
			if (status < 0) {
				tap_test(false, "ring", "it holds something impossible");
				return;
			}
		}
	} while (s->missing && poll(&wait, 1, IDLE_MS) > 0);
	for (unsigned i = 0; i < r->count; i++)
		if (r->views[i].header->dropped != r->dropped[i])
			tap_note("mod dropped %u", r->views[i].header->dropped - r->dropped[i]);
}

static void watch_scene(void)
{
	static struct reader r = { .fd = -1 };
	static struct scene s;

	if (reader_open(&r)) {
		scene_play(&s);
		reader_drain(&r, &s);
		scene_report(&s);
		tap_note("mod events %lu", s.records);
	}
	reader_close(&r);
}

void mod_try(const char *path, bool events)
{
	char name[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		tap_failed("load", path, errno);
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0) != 0) {
		tap_failed("load", "init_module", errno);
		close(fd);
		return;
	}
	close(fd);
	bool known = newest_module(name, sizeof(name));
	tap_test(known, "load", known ? NULL : "/proc/modules does not know it");
	if (events)
		watch_scene();
	if (known && syscall(SYS_delete_module, name, O_NONBLOCK) != 0)
		tap_failed("unload", "delete_module", errno);
	else if (known)
		tap_test(true, "unload", NULL);
}
