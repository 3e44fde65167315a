/* What a comment of the block list says of the rules that it belongs to. For block_list.c. */
#ifndef ORCHESTRATE_KERNEL_BLOCK_NOTE_H
#define ORCHESTRATE_KERNEL_BLOCK_NOTE_H

#include <stddef.h>

#include "base/err.h"

struct block_note {
	char *reason, *expires; /* NULL: not said */
};

void block_note_release(struct block_note *note);
/* Takes `reason: TEXT` and `expires: YYYY-MM-DD` out of a comment (from its `#`, or empty); what it says replaces what the note
 * has. A date that is none: ERR_INPUT without a place. */
must_check int block_note_read(const char *comment, size_t len, struct block_note *note, struct err *e);

#define cleanup_block_note __attribute__((cleanup(block_note_release)))

#endif
