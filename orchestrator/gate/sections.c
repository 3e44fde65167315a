#include "gate/sections.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void section_list_release(struct section_list *list)
{
	free(list->items);
	*list = (struct section_list){ 0 };
}

const struct section *section_at(const struct section_list *list, size_t index)
{
	return index && index <= list->count ? &list->items[index - 1] : NULL;
}

const struct section *section_find(const struct section_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].bytes && strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

enum { SECTIONS_MAX = 65536 }; /* far beyond any real object */

/* Where the table lies; the numbers in the header may be anything. */
static bool table_is_inside(Elf *elf, size_t len, size_t *ret_count, size_t *ret_names)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf, &header) && elf_getshdrnum(elf, ret_count) == 0 && elf_getshdrstrndx(elf, ret_names) == 0 &&
	       header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shoff <= len && *ret_count <= SECTIONS_MAX &&
	       *ret_count <= (len - header.e_shoff) / sizeof(Elf64_Shdr);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Section headers may be in any order, so the overlap shows only once they are sorted by offset. */
static bool any_overlap(const struct section_list *list, struct err *e, int *ret_rc)
{
	cleanup_free struct section *sorted = calloc(list->count + 1, sizeof(*sorted));
	size_t end = 0, count = 0;

	if (!sorted) {
		*ret_rc = err_no_memory(e);
		return false;
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].bytes && list->items[i].len)
			sorted[count++] = list->items[i];
	qsort(sorted, count, sizeof(*sorted), compare_offsets);
	for (size_t i = 0; i < count; i++) {
		if (sorted[i].offset < end)
			return true;
		end = sorted[i].offset + sorted[i].len;
	}
	return false;
}

static bool read_section(Elf *elf, Elf_Scn *scn, size_t names, const char *bytes, size_t len, struct section *ret)
{
	GElf_Shdr header;

	if (!gelf_getshdr(scn, &header))
		return false;
	const char *name = elf_strptr(elf, names, header.sh_name);
	*ret = (struct section){ .name = name ? name : "",
				 .type = header.sh_type,
				 .flags = header.sh_flags,
				 .size = header.sh_size,
				 .link = header.sh_link,
				 .info = header.sh_info };
	if (header.sh_type == SHT_NOBITS || header.sh_type == SHT_NULL)
		return true;
	if (header.sh_offset > len || header.sh_size > len - header.sh_offset)
		return false;
	ret->bytes = bytes + header.sh_offset;
	ret->offset = header.sh_offset;
	ret->len = header.sh_size;
	return true;
}

int section_list_read(Elf *elf, const void *bytes, size_t len, struct section_list *ret, char *oddity, size_t oddity_room,
		      struct err *e)
{
	cleanup_section_list struct section_list list = { 0 };
	size_t count = 0, names = 0;
	Elf_Scn *scn = NULL;
	int rc = 0;

	oddity[0] = '\0';
	if (!table_is_inside(elf, len, &count, &names) || count == 0) {
		snprintf(oddity, oddity_room, count ? "a table beyond the end of the file, or too large" : "no section table");
		return 0;
	}
	list.items = calloc(count, sizeof(*list.items));
	if (!list.items)
		return err_no_memory(e);
	while (list.count < count && (scn = elf_nextscn(elf, scn))) {
		if (!read_section(elf, scn, names, bytes, len, &list.items[list.count])) {
			snprintf(oddity, oddity_room, "section %zu reaches beyond the end of the file", elf_ndxscn(scn));
			return 0;
		}
		list.count++;
	}
	if (list.count + 1 != count)
		snprintf(oddity, oddity_room, "%zu of %zu sections can be read", list.count, count - 1);
	else if (any_overlap(&list, e, &rc))
		snprintf(oddity, oddity_room, "sections that overlap");
	if (rc == 0) {
		*ret = list;
		list = (struct section_list){ 0 };
	}
	return rc;
}
