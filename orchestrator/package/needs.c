#include "package/needs.h"

#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { VERSIONS_MAX = 4096 };

/* The version in "GLIBC_2.34"; NULL for names that are none. */
static const char *glibc_version(const char *name)
{
	if (!name || strncmp(name, "GLIBC_", 6) != 0)
		return NULL;
	name += 6;
	if (strcmp(name, "ABI_DT_RELR") == 0)
		return "2.36";
	return *name && strspn(name, "0123456789.") == strlen(name) && strlen(name) < 16 ? name : NULL;
}

/* The auxiliary entries of one needed library; their count goes off *left. */
static void take_library(Elf *elf, Elf_Data *data, size_t strings, int64_t at, int *left, char *ret, size_t room)
{
	GElf_Vernaux aux;

	for (; at <= INT_MAX && *left > 0 && gelf_getvernaux(data, (int)at, &aux); at += aux.vna_next) {
		const char *version = glibc_version(elf_strptr(elf, strings, aux.vna_name));
		if (version && (!ret[0] || strverscmp(version, ret) > 0))
			snprintf(ret, room, "%s", version);
		--*left;
		if (!aux.vna_next)
			return;
	}
}

static void take_versions(Elf *elf, Elf_Data *data, const GElf_Shdr *header, char *ret, size_t room)
{
	/* The entries are chained by offsets, of which hostile ones may form a ring: hence the count. */
	int left = VERSIONS_MAX;
	GElf_Verneed need;

	for (int64_t at = 0; at <= INT_MAX && left > 0 && gelf_getverneed(data, (int)at, &need); at += need.vn_next) {
		take_library(elf, data, header->sh_link, at + need.vn_aux, &left, ret, room);
		left--;
		if (!need.vn_next)
			return;
	}
}

bool needs_glibc(void *bytes, size_t len, char *ret, size_t room)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	ret[0] = '\0';
	if (elf_version(EV_CURRENT) == EV_NONE)
		return false;
	Elf *elf = elf_memory(bytes, len);
	if (!elf)
		return false;
	while (elf_kind(elf) == ELF_K_ELF && (section = elf_nextscn(elf, section))) {
		Elf_Data *data =
			gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_verneed ? elf_getdata(section, NULL) : NULL;
		if (data)
			take_versions(elf, data, &header, ret, room);
	}
	elf_end(elf);
	return ret[0] != '\0';
}
