/* libFuzzer: any bytes as the sections of an eBPF object whose tables are sound, for those checks that few broken files get as far
 * as. Input: of each section in turn two bytes of length (the lower first) and so many bytes; what it ends before is empty. Corpus:
 * tests/data/gate/bpf-corpus. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gate/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { CODE = SHF_ALLOC | SHF_EXECINSTR, DATA = SHF_ALLOC | SHF_WRITE };

static const struct section_shape {
	const char *name;
	uint32_t type;
	uint64_t flags;
	uint32_t link, info;
} shapes[] = {
	{ "", SHT_NULL, 0, 0, 0 },
	{ ".text", SHT_PROGBITS, CODE, 0, 0 },
	{ "kprobe/f", SHT_PROGBITS, CODE, 0, 0 },
	{ ".maps", SHT_PROGBITS, DATA, 0, 0 },
	{ "maps", SHT_PROGBITS, DATA, 0, 0 },
	{ ".rodata", SHT_PROGBITS, SHF_ALLOC, 0, 0 },
	{ "license", SHT_PROGBITS, SHF_ALLOC, 0, 0 },
	{ ".rel.text", SHT_REL, 0, 10, 1 },
	{ ".relkprobe/f", SHT_REL, 0, 10, 2 },
	{ ".rel.maps", SHT_REL, 0, 10, 3 },
	{ ".symtab", SHT_SYMTAB, 0, 11, 1 },
	{ ".strtab", SHT_STRTAB, 0, 0, 0 },
	{ ".BTF", SHT_PROGBITS, 0, 0, 0 },
	{ ".BTF.ext", SHT_PROGBITS, 0, 0, 0 },
	{ "version", SHT_PROGBITS, SHF_ALLOC, 0, 0 },
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void add(struct buf *b, const void *bytes, size_t len)
{
	struct err e;

	if (buf_append(b, bytes, len, &e) < 0)
		abort();
}

/* The next section of the input, which moves behind it. */
static size_t take(const uint8_t **bytes, size_t *len)
{
	if (*len < 2)
		return 0;
	size_t wanted = (*bytes)[0] | (size_t)(*bytes)[1] << 8;
	*bytes += 2;
	*len -= 2;
	return wanted < *len ? wanted : *len;
}

static void lay_out(const uint8_t *bytes, size_t len, struct buf *ret)
{
	Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			      .e_type = ET_REL,
			      .e_machine = EM_BPF,
			      .e_version = EV_CURRENT,
			      .e_shoff = sizeof(header),
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = SHAPES + 1,
			      .e_shstrndx = SHAPES };
	Elf64_Shdr headers[SHAPES + 1] = { { 0 } };
	cleanup_buf struct buf names = { 0 };

	add(ret, &header, sizeof(header));
	add(ret, headers, sizeof(headers));
	add(&names, "", 1);
	for (size_t i = 1; i < SHAPES; i++) {
		size_t part = take(&bytes, &len);
		headers[i] = (Elf64_Shdr){ .sh_name = (Elf64_Word)names.len,
					   .sh_type = shapes[i].type,
					   .sh_flags = shapes[i].flags,
					   .sh_link = shapes[i].link,
					   .sh_info = shapes[i].info,
					   .sh_offset = ret->len,
					   .sh_size = part };
		add(&names, shapes[i].name, strlen(shapes[i].name) + 1);
		add(ret, bytes, part);
		bytes += part;
		len -= part;
	}
	headers[SHAPES] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = ret->len, .sh_size = names.len };
	add(ret, names.data, names.len);
	memcpy(ret->data + sizeof(header), headers, sizeof(headers));
}

static struct reference *make_bpf_kernel(void)
{
	static const char text[] =
		"enum { BPF_PROG_TYPE_KPROBE, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_PSEUDO_CALL, BPF_JMP32 };\n"
		"#define __BPF_FUNC_MAPPER(FN) FN(unspec), FN(map_lookup_elem), FN(map_update_elem),\n";
	struct reference *r = NULL;
	struct err e;

	if (reference_new(&r, &e) < 0 || reference_add(r, CAPTURE_BPF, text, strlen(text), &e) < 0)
		abort();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct reference *kernel;
	cleanup_buf struct buf made = { 0 };

	if (!kernel)
		kernel = make_bpf_kernel();
	lay_out(bytes, len, &made);
	/* No byte longer than it is. */
	cleanup_free char *object = malloc(made.len);
	if (!object)
		abort();
	memcpy(object, made.data, made.len);
	const struct gate_expect expects[] = { { KIND_BPF, "6.1.0-x", EM_X86_64, NULL, NULL },
					       { KIND_BPF, "4.19.0-x", EM_X86_64, NULL, kernel } };
	for (size_t i = 0; i < sizeof(expects) / sizeof(expects[0]); i++) {
		struct object_report r;
		struct err e = { 0 };
		if (object_check(object, made.len, &expects[i], &r, &e) < 0 || r.finding_count)
			continue;
		if (!r.license[0] || r.programs == 0)
			abort(); /* passed without a licence, or without a program */
	}
	return 0;
}
