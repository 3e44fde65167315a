#include "build/compiler_memory.h"

/* Both files as they are (rules.mk names them), between two symbols. */
#define EMBED(name, file)                                                                                                          \
	__asm__(".pushsection .rodata." #name ",\"a\"\n" #name "_start:\n.incbin \"" file "\"\n" #name "_end:\n.popsection\n");    \
	extern const char name##_start[], name##_end[]

EMBED(compiler_memory_elf, COMPILER_MEMORY_PROGRAM);
EMBED(compiler_memory_c, COMPILER_MEMORY_SOURCE);

struct embedded compiler_memory_program(void)
{
	return (struct embedded){ compiler_memory_elf_start, (size_t)(compiler_memory_elf_end - compiler_memory_elf_start) };
}

struct embedded compiler_memory_source(void)
{
	return (struct embedded){ compiler_memory_c_start, (size_t)(compiler_memory_c_end - compiler_memory_c_start) };
}
