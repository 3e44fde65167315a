/* The multiplexed stream of attach and exec without a terminal, as it comes, at any split. Frame: 8 bytes {stream, 0, 0, 0, length
 * as 32 bit big-endian}, then the payload (Docker Engine API, "Attach to a container", stream format). */
#ifndef ORCHESTRATE_ENGINE_FRAME_H
#define ORCHESTRATE_ENGINE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	FRAME_HEAD = 8,
	FRAME_MAX = 16 << 20, /* engines write at most some 32 KiB in one; more than this is not a frame */
};

/* Where payload goes, in pieces of any size; -1 stops the reading. NULL: dropped. */
struct frame_sinks {
	int (*out)(void *context, const void *bytes, size_t len, struct err *e);
	int (*err)(void *context, const void *bytes, size_t len, struct err *e);
	void *context;
};

/* {0} stands before the first frame. */
struct frame_reader {
	unsigned char head[FRAME_HEAD];
	size_t head_len;
	uint32_t left;	       /* payload bytes of the present frame still to come */
	char system_text[256]; /* stream 3: the engine's own word on why it broke off */
	size_t system_len;
};

/* Takes the next bytes. ERR_PROTOCOL for what can't be a frame; ERR_FAILED with the engine's text for a frame of stream 3. */
must_check int frame_feed(struct frame_reader *r, const void *bytes, size_t len, const struct frame_sinks *sinks, struct err *e);
/* At the end of the stream: ERR_CORRUPT inside a frame. */
must_check int frame_finish(const struct frame_reader *r, struct err *e);

#endif
