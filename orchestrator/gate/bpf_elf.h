/* An eBPF object taken apart: symbols and relocations, checked so that nobody behind it has to look at their bounds again. Internal
 * to gate. */
#ifndef ORCHESTRATE_GATE_BPF_ELF_H
#define ORCHESTRATE_GATE_BPF_ELF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/checks.h"
#include "gate/symbols.h"

enum { BPF_INSTRUCTION_BYTES = 8 };

struct bpf_relocation {
	uint64_t offset;
	uint32_t type; /* R_BPF_* */
	const struct symbol *symbol;
};

struct bpf_relocations {
	struct bpf_relocation *items;
	size_t count;
};

/* What the kernel was asked for and answered, since each question reads through its header. */
struct bpf_answers {
	struct {
		const char *identifier;
		bool has;
	} items[64];
	size_t count;
};

struct bpf_elf {
	const struct section_list *list;
	const struct gate_expect *expect;
	struct object_report *report;
	bool big_endian;
	struct symbol_list symbols;
	/* Functions with bytes, all of them inside their section, by section, then by value. Point into symbols. */
	const struct symbol **functions;
	size_t function_count;
	/* Tables of relocations, by the section that they are for. Point into list. */
	const struct section **tables;
	size_t table_count;
	/* What the BTF says that the kernel is to have, in order. Point into btf. */
	const char **externs;
	size_t extern_count;
	struct bpf_answers *answers;
	struct btf *btf; /* NULL: none, or an unsound one */
};

/* Adds findings for what is unsound; what there is of it is left out then. -1: out of memory. Formats: elf(5),
 * Documentation/bpf/llvm_reloc.rst. ret is to be released also after a failure. */
must_check int bpf_elf_read(const struct section_list *list, const struct gate_expect *expect, struct object_report *r,
			    struct bpf_elf *ret, struct err *e);
void bpf_elf_release(struct bpf_elf *o);
/* All relocations of the section with that index; the same about findings. */
must_check int bpf_relocations_read(const struct bpf_elf *o, size_t section, struct bpf_relocations *ret, struct err *e);
void bpf_relocations_release(struct bpf_relocations *r);

/* Whether a section holds instructions. */
bool bpf_section_is_code(const struct section *s);
/* The functions of a section: the first, and how many. */
const struct symbol *const *bpf_functions_of(const struct bpf_elf *o, size_t section, size_t *ret_count);
/* Numbers as the object has them. */
uint16_t bpf_u16(const struct bpf_elf *o, const char *at);
uint32_t bpf_u32(const struct bpf_elf *o, const char *at);
/* Whether the kernel's include/uapi/linux/bpf.h has an identifier; true when nothing is known of the kernel.
 * identifier: static. */
bool bpf_kernel_has(const struct bpf_elf *o, const char *identifier);
/* A finding where it has not: the name of the finding, and where it is asked for. */
void bpf_kernel_needs(const struct bpf_elf *o, const char *what, const char *identifier, const char *where);

#define cleanup_bpf_elf		__attribute__((cleanup(bpf_elf_release)))
#define cleanup_bpf_relocations __attribute__((cleanup(bpf_relocations_release)))

#endif
