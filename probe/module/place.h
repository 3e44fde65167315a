/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the next record goes in a ring: arithmetic only, so that user-space
 * tests can run it against every tail that a broken reader may leave behind.
 */
#ifndef COLLECTOR_MODULE_PLACE_H
#define COLLECTOR_MODULE_PLACE_H

#include "../event.h"

struct ring_place {
	uint32_t pad_offset; /* where a padding record of `pad` bytes goes */
	uint32_t pad;	     /* 0: none needed */
	uint32_t offset;     /* where the record goes */
};

/*
 * data_size: a power of two; need: a multiple of COLLECTOR_RECORD_ALIGN; head:
 * the kernel's own counter, a multiple of it too. tail is not to be trusted.
 * 1 = *place is set, and [offset, offset + need) and [pad_offset, pad_offset +
 * pad) lie within the ring; 0 = no room.
 */
static inline int ring_place_find(uint32_t head, uint32_t tail, uint32_t data_size, uint32_t need, struct ring_place *place)
{
	uint32_t used = head - tail;
	uint32_t offset = head & (data_size - 1);
	uint32_t to_end = data_size - offset;
	uint32_t pad = need > to_end ? to_end : 0;

	if (used > data_size || need > data_size || data_size - used < pad || data_size - used - pad < need)
		return 0;
	place->pad_offset = offset;
	place->pad = pad;
	place->offset = pad ? 0 : offset;
	return 1;
}

#endif
