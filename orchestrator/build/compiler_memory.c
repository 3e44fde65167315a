#include "build/compiler_memory.h"

#include <stdint.h>

/* Both files as they are (rules.mk names them). Their lengths are worked out by the assembler. */
#define EMBED(name, file)                                                                                                          \
	__asm__(".pushsection .rodata." #name ",\"a\"\n.balign 8\n" #name "_len:\n.quad 2f - 1f\n" #name                           \
		"_data:\n1: .incbin \"" file "\"\n2:\n.popsection\n");                                                             \
	extern const char name##_data[];                                                                                           \
	extern const uint64_t name##_len

EMBED(compiler_memory_elf, COMPILER_MEMORY_PROGRAM);
EMBED(compiler_memory_c, COMPILER_MEMORY_SOURCE);

struct embedded compiler_memory_program(void)
{
	return (struct embedded){ compiler_memory_elf_data, (size_t)compiler_memory_elf_len };
}

struct embedded compiler_memory_source(void)
{
	return (struct embedded){ compiler_memory_c_data, (size_t)compiler_memory_c_len };
}
