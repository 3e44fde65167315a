#include "gate/symbols.h"

#include <elf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void symbol_list_release(struct symbol_list *list)
{
	free(list->items);
	*list = (struct symbol_list){ 0 };
}

static const struct section *find_table(const struct section_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].type == SHT_SYMTAB && list->items[i].bytes)
			return &list->items[i];
	return NULL;
}

static const char *text_at(const struct section *texts, size_t offset)
{
	if (!texts || texts->type != SHT_STRTAB || !texts->bytes || offset >= texts->len)
		return "";
	return memchr(texts->bytes + offset, '\0', texts->len - offset) ? texts->bytes + offset : "";
}

int symbol_list_read(const struct section_list *list, bool big_endian, struct symbol_list *ret, struct err *e)
{
	const struct section *table = find_table(list);
	size_t count = table ? table->len / sizeof(Elf64_Sym) : 0;

	*ret = (struct symbol_list){ 0 };
	if (count < 2)
		return 0;
	const struct section *texts = section_at(list, table->link);
	cleanup_free Elf64_Sym *entries = calloc(count, sizeof(*entries));
	cleanup_free struct symbol *items = calloc(count, sizeof(*items));
	if (!entries || !items)
		return err_no_memory(e);
	size_t len = count * sizeof(*entries);
	/* As this machine has them in memory, wherever they lie in the file. */
	Elf_Data from = { .d_buf = (void *)table->bytes, .d_type = ELF_T_SYM, .d_size = len, .d_version = EV_CURRENT };
	Elf_Data to = { .d_buf = entries, .d_type = ELF_T_SYM, .d_size = len, .d_version = EV_CURRENT };
	if (!elf64_xlatetom(&to, &from, big_endian ? ELFDATA2MSB : ELFDATA2LSB))
		return 0;
	for (size_t i = 1; i < count; i++) {
		const char *name = text_at(texts, entries[i].st_name);
		items[i - 1] = (struct symbol){ .name = name,
						.name_is_lost = entries[i].st_name && !*name,
						.bind = ELF64_ST_BIND(entries[i].st_info),
						.type = ELF64_ST_TYPE(entries[i].st_info),
						.section = entries[i].st_shndx,
						.value = entries[i].st_value,
						.size = entries[i].st_size };
	}
	*ret = (struct symbol_list){ steal_ptr(&items), count - 1 };
	return 0;
}
