/* include/linux/vermagic.h: how a kernel puts its vermagic together. Which setting decides on which word has changed more than
 * once, also within a vendor's version, so the header itself is asked. */
#ifndef ORCHESTRATE_GATE_VERMAGIC_H
#define ORCHESTRATE_GATE_VERMAGIC_H

#include <stdbool.h>
#include <stddef.h>

#include <stdint.h>

struct reference;

struct vermagic {
	char text[160]; /* what it begins with */
	bool whole;	/* and nothing comes behind it */
};

/* What a module's vermagic must be. Where the kernel (NULL: nothing is known) does not tell, as much of it as is known: the
 * release and a blank; "" where nobody knows even that. */
void vermagic_expected(const struct reference *kernel, const char *release, uint16_t elf_machine, struct vermagic *ret);

/* As reference_vermagic_part, of this text (ends with a NUL). */
bool vermagic_part(const char *text, const struct reference *config, const char *macro, char *ret, size_t room);

#endif
