/* include/linux/vermagic.h: how a kernel puts its vermagic together. Which setting decides on which word has changed more than
 * once, also within a vendor's version, so the header itself is asked. */
#ifndef ORCHESTRATE_GATE_VERMAGIC_H
#define ORCHESTRATE_GATE_VERMAGIC_H

#include <stdbool.h>
#include <stddef.h>

struct reference;

/* As reference_vermagic_part, of this text (ends with a NUL). */
bool vermagic_part(const char *text, const struct reference *config, const char *macro, char *ret, size_t room);

#endif
