/* The section table of an ELF file in memory, checked so that nobody behind it has to look at bounds again. */
#ifndef ORCHESTRATE_GATE_SECTIONS_H
#define ORCHESTRATE_GATE_SECTIONS_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct section {
	const char *name; /* "" when it has none; borrowed from the Elf */
	uint32_t type;
	uint64_t flags;
	uint32_t link, info; /* sh_link, sh_info: whatever the file says */
	const char *bytes;   /* inside the file; NULL for sections without bytes (SHT_NOBITS, SHT_NULL) */
	size_t offset, len;
	uint64_t size; /* sh_size: what it takes in memory, also without bytes */
};

struct section_list {
	struct section *items;
	size_t count;
};

/* Reads all section headers of an ELF64 file. What makes the table unsound is put into oddity ("" when all is well): a table or
 * sections beyond the file's end, sections that overlap, no sections. -1 only when out of memory. bytes and elf must outlive the
 * list. */
must_check int section_list_read(Elf *elf, const void *bytes, size_t len, struct section_list *ret, char *oddity,
				 size_t oddity_room, struct err *e);
void section_list_release(struct section_list *list);
/* The section with that index in the file (0 has none), or NULL. */
const struct section *section_at(const struct section_list *list, size_t index);
/* The first section of that name, or NULL. Sections without bytes are passed over. */
const struct section *section_find(const struct section_list *list, const char *name);

#define cleanup_section_list __attribute__((cleanup(section_list_release)))

#endif
