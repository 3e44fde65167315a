/* The symbol table of an object. */
#ifndef ORCHESTRATE_GATE_SYMBOLS_H
#define ORCHESTRATE_GATE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gate/sections.h"

struct symbol {
	const char *name;     /* "" when it has none, or none inside its table; borrowed from the object */
	bool name_is_lost;    /* it has one, but not inside the table */
	unsigned bind, type;  /* STB_*, STT_* */
	uint16_t section;     /* SHN_UNDEF, SHN_COMMON, ..., or an index, of which there need be no section */
	uint64_t value, size; /* whatever the file says */
};

struct symbol_list {
	struct symbol *items;
	size_t count;
};

/* Of the first SHT_SYMTAB, without the entry 0, which stands for none. No table, no symbols. -1: out of memory. Format: elf(5). */
must_check int symbol_list_read(const struct section_list *list, bool big_endian, struct symbol_list *ret, struct err *e);
void symbol_list_release(struct symbol_list *list);

#define cleanup_symbol_list __attribute__((cleanup(symbol_list_release)))

#endif
