/* SPDX-License-Identifier: MIT */
/*
 * The reader's side of one ring of /dev/collector: where the next record is.
 * Memory comes from the caller, so it works on a mapping as on a test's array.
 * It believes no length that it reads.
 */
#ifndef COLLECTOR_READER_RING_H
#define COLLECTOR_READER_RING_H

#include <stddef.h>

#include "../event.h"

struct ring_view {
	const struct collector_ring_header *header;
	struct collector_ring_consumer *consumer;
	const unsigned char *data;
	uint32_t data_size;
	uint32_t position; /* behind the record handed out last */
};

/* All three are borrowed and must outlive the view. 0, or -1 when the header is not
 * one that this code knows. */
static inline int ring_view_init(struct ring_view *v, const struct collector_ring_header *header,
				 struct collector_ring_consumer *consumer, const void *data)
{
	uint32_t size = header->data_size;

	if (header->magic != COLLECTOR_RING_MAGIC || header->version != COLLECTOR_RING_VERSION || size < 8 ||
	    (size & (size - 1)) != 0)
		return -1;
	v->header = header;
	v->consumer = consumer;
	v->data = data;
	v->data_size = size;
	v->position = consumer->tail;
	return 0;
}

/*
 * Gives the record before back to the kernel and finds the next. *ret_event is
 * borrowed and valid until the next call; all event->size bytes can be read.
 * 1 = record, 0 = none for now, -1 = the ring holds something impossible.
 */
static inline int ring_view_next(struct ring_view *v, const struct collector_event **ret_event)
{
	for (;;) {
		uint32_t head = __atomic_load_n(&v->header->head, __ATOMIC_ACQUIRE);
		uint32_t left = head - v->position;
		uint32_t offset = v->position & (v->data_size - 1);
		const struct collector_event *event = (const void *)(v->data + offset);

		__atomic_store_n(&v->consumer->tail, v->position, __ATOMIC_RELEASE);
		if (left == 0)
			return 0;
		if (left > v->data_size || left % COLLECTOR_RECORD_ALIGN != 0 || event->size % COLLECTOR_RECORD_ALIGN != 0 ||
		    event->size == 0 || event->size > left || event->size > v->data_size - offset)
			return -1;
		if (event->type != COLLECTOR_EVENT_PAD) {
			if (event->size < sizeof(*event))
				return -1;
			v->position += event->size;
			*ret_event = event;
			return 1;
		}
		v->position += event->size;
	}
}

#endif
