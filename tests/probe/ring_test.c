/* The module's placement and the reader's walk, against each other and against peers that misbehave. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../probe/module/place.h"
#include "../../probe/reader/ring.h"

enum { DATA_SIZE = 1024 };

struct ring {
	struct collector_ring_header header;
	struct collector_ring_consumer consumer;
	_Alignas(8) unsigned char data[DATA_SIZE];
};

static struct ring *ring_new(uint32_t start)
{
	struct ring *r = calloc(1, sizeof(*r));

	r->header.magic = COLLECTOR_RING_MAGIC;
	r->header.version = COLLECTOR_RING_VERSION;
	r->header.data_size = DATA_SIZE;
	r->header.head = r->consumer.tail = start;
	return r;
}

/* Does what ring_write() of the module does; the record carries its number. */
static int ring_put(struct ring *r, uint32_t size, uint32_t number)
{
	struct collector_event event = { .size = size, .type = COLLECTOR_EVENT_FORK, .pid = number };
	struct ring_place place;

	if (!ring_place_find(r->header.head, r->consumer.tail, DATA_SIZE, size, &place))
		return 0;
	if (place.pad) {
		struct collector_event pad = { .size = place.pad, .type = COLLECTOR_EVENT_PAD };

		memcpy(r->data + place.pad_offset, &pad, 8);
	}
	memset(r->data + place.offset, (int)(number & 0xff), size);
	memcpy(r->data + place.offset, &event, sizeof(event));
	r->header.head += place.pad + size;
	return 1;
}

static uint32_t random_size(unsigned int *seed)
{
	return sizeof(struct collector_event) + 8u * (uint32_t)(rand_r(seed) % 20);
}

/* Every record that was put comes out once, in order and whole, over many laps and over the wrap of the 32-bit counters. */
Test(ring, reader_sees_every_record_in_order, .timeout = 60)
{
	static const uint32_t starts[] = { 0, 8, DATA_SIZE - 8, 0u - 4096, 0u - 8 };

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		struct ring *r = ring_new(starts[s]);
		const struct collector_event *event;
		struct ring_view view = { 0 };
		uint32_t put = 0, got = 0;
		unsigned int seed = 7;

		cr_assert_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), 0);
		while (got < 5000) {
			while (rand_r(&seed) % 4 && ring_put(r, random_size(&seed), put))
				put++;
			while (rand_r(&seed) % 4 && ring_view_next(&view, &event) == 1) {
				cr_assert_eq(event->pid, got, "record %u came instead of %u", event->pid, got);
				for (uint32_t i = sizeof(*event); i < event->size; i++)
					cr_assert_eq(((const unsigned char *)event)[i], got & 0xff, "record %u is damaged", got);
				got++;
			}
		}
		while (ring_view_next(&view, &event) == 1)
			got++;
		cr_expect_eq(got, put);
		cr_expect_eq(ring_view_next(&view, &event), 0);
		cr_expect_eq(r->consumer.tail, r->header.head, "an empty ring is all given back");
		free(r);
	}
}

/* The record handed out last is still the reader's. */
Test(ring, kernel_does_not_overwrite_what_the_reader_holds)
{
	struct ring *r = ring_new(0);
	const struct collector_event *event;
	struct ring_view view = { 0 };
	uint32_t put = 0;

	cr_assert_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), 0);
	while (ring_put(r, 64, put))
		put++;
	cr_expect_eq(put, DATA_SIZE / 64);
	cr_assert_eq(ring_view_next(&view, &event), 1);
	cr_expect_eq(ring_put(r, 64, 1000), 0, "the first record was given away while in use");
	cr_assert_eq(ring_view_next(&view, &event), 1);
	cr_expect_eq(ring_put(r, 64, 1001), 1);
	free(r);
}

/* Whatever stands in the page that user space writes, the kernel stays within the ring and never takes unread room. */
Test(ring, no_tail_leads_out_of_the_ring)
{
	unsigned int seed = 42;
	unsigned int placed = 0;

	for (int i = 0; i < 2000000; i++) {
		uint32_t head = ((uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed)) & ~7u;
		uint32_t near = head - (uint32_t)rand_r(&seed) % (2 * DATA_SIZE);
		uint32_t tail = i % 2 ? near : (uint32_t)rand_r(&seed) * 2654435761u;
		uint32_t need = 8u * (uint32_t)(1 + rand_r(&seed) % (DATA_SIZE / 4));
		struct ring_place p;

		if (!ring_place_find(head, tail, DATA_SIZE, need, &p))
			continue;
		placed++;
		cr_assert(p.offset <= DATA_SIZE && need <= DATA_SIZE - p.offset, "record [%u, +%u)", p.offset, need);
		cr_assert(p.pad == 0 || (p.pad >= 8 && p.pad_offset + p.pad == DATA_SIZE), "padding [%u, +%u)", p.pad_offset,
			  p.pad);
		cr_assert(head + p.pad + need - tail <= DATA_SIZE, "took room that is not free");
	}
	cr_expect_gt(placed, 100000, "hardly anything was tried");
}

static const struct {
	const char *what;
	uint32_t start, filled, size, type;
} BAD[] = {
	{ "a size of zero", 0, 64, 0, COLLECTOR_EVENT_FORK },
	{ "a size beyond head", 0, 64, 72, COLLECTOR_EVENT_FORK },
	{ "a size beyond the ring", 0, DATA_SIZE, DATA_SIZE + 8, COLLECTOR_EVENT_FORK },
	{ "a record over the ring's end", DATA_SIZE - 64, 256, 128, COLLECTOR_EVENT_FORK },
	{ "a size that is no multiple", 0, 64, 60, COLLECTOR_EVENT_FORK },
	{ "a record shorter than its start", 0, 64, 40, COLLECTOR_EVENT_FORK },
	{ "padding of no size", 0, 64, 0, COLLECTOR_EVENT_PAD },
	{ "padding beyond head", 0, 64, 128, COLLECTOR_EVENT_PAD },
	{ "more than a ring is full", 0, DATA_SIZE + 8, 64, COLLECTOR_EVENT_FORK },
	{ "a head off the grid", 0, 68, 64, COLLECTOR_EVENT_FORK },
};

Test(ring, reader_refuses_impossible_records, .timeout = 60)
{
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct ring *r = ring_new(BAD[i].start);
		struct collector_event bad = { .size = BAD[i].size, .type = (uint16_t)BAD[i].type };
		const struct collector_event *event = NULL;
		struct ring_view view = { 0 };

		memcpy(r->data + BAD[i].start, &bad, sizeof(bad));
		r->header.head = BAD[i].start + BAD[i].filled;
		cr_assert_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), 0);
		cr_expect_eq(ring_view_next(&view, &event), -1, "%s was taken", BAD[i].what);
		cr_expect_null(event, "%s was handed out", BAD[i].what);
		free(r);
	}
}

Test(ring, reader_refuses_headers_it_does_not_know)
{
	struct ring *r = ring_new(0);
	struct ring_view view = { 0 };

	r->header.version++;
	cr_expect_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), -1, "a newer version");
	r->header.version--;
	r->header.magic ^= 1;
	cr_expect_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), -1, "a wrong magic");
	r->header.magic ^= 1;
	r->header.data_size = 1000;
	cr_expect_eq(ring_view_init(&view, &r->header, &r->consumer, r->data), -1, "a size that is no power of two");
	free(r);
}
