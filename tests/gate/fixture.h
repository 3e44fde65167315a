/* ELF objects and result tars made on the spot. */
#ifndef TESTS_GATE_FIXTURE_H
#define TESTS_GATE_FIXTURE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* One section of an object. */
struct part {
	const char *name;
	uint32_t type;
	uint64_t flags;
	const char *bytes;
	size_t len;
};

#define MODINFO(text)                                                                                                              \
	{                                                                                                                          \
		".modinfo", SHT_PROGBITS, SHF_ALLOC, text, sizeof(text)                                                            \
	}
#define THIS_MODULE                                                                                                                \
	{                                                                                                                          \
		".gnu.linkonce.this_module", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "module", 6                                      \
	}
#define PROGRAM(name)                                                                                                              \
	{                                                                                                                          \
		name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, "\xb7\0\0\0\0\0\0\0\x95\0\0\0\0\0\0\0", 16                          \
	}
#define LICENSE(text)                                                                                                              \
	{                                                                                                                          \
		"license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, text, sizeof(text)                                                 \
	}
#define NO_MORE                                                                                                                    \
	{                                                                                                                          \
		NULL, 0, 0, NULL, 0                                                                                                \
	}

/* A relocatable ELF64 file (little-endian) with the parts, up to one without a name, a symbol table, and the section headers last.
 */
void make_object(uint16_t machine, const struct part *parts, struct buf *ret);
/* A symbol: where it is, SHN_UNDEF for one that is imported. */
struct name {
	const char *text;
	unsigned bind; /* STB_* */
	uint16_t section;
};

/* The same with other symbols, up to one without a text. */
void make_object_of(uint16_t machine, const struct part *parts, const struct name *symbols, struct buf *ret);
/* A good module for release 6.1.0-x called probe, and a good eBPF object. */
void make_module(struct buf *ret);
void make_bpf(struct buf *ret);
Elf64_Ehdr *object_header(struct buf *object);
/* The header of the section with that index (parts count from 1). */
Elf64_Shdr *object_section(struct buf *object, size_t index);

struct member_spec {
	const char *name;
	mode_t mode; /* with the type */
	const struct buf *bytes;
	const char *target;
};

/* A tar of the members, up to one without a name. */
void make_result(const struct member_spec *members, struct buf *ret);

#endif
