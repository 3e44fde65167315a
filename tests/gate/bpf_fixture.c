#include "bpf_fixture.h"

#include <bpf/btf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

#include "fixture.h"

static void append(struct buf *b, const void *bytes, size_t len)
{
	struct err e = { 0 };

	cr_assert_eq(buf_append(b, bytes, len, &e), 0, "%s", e.message);
}

/* --- its parts --- */

static const struct bpf_insn probe_code[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1 },
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1 },
	{ 0 },
	{ .code = BPF_JMP | BPF_CALL, .imm = 1 },
	{ .code = BPF_JMP | BPF_JEQ | BPF_K, .off = 3 },
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1 },
	{ 0 },
	{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1 },
	{ .code = BPF_JMP | BPF_CALL, .imm = 4 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
	{ .code = BPF_JMP | BPF_EXIT },
};
static const struct bpf_insn twice_code[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .src_reg = 1 },
	{ .code = BPF_JMP | BPF_EXIT },
};
static const char license[16] = "GPL";
static const uint32_t old_map[] = { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0 };
static const uint32_t version_code = 4 << 16 | 19 << 8 | 37;

enum { TEXT = 1, PROGRAM_CODE, MAPS, DATA, LICENSE_TEXT, VERSION, RELOCATIONS };

static const struct {
	const char *name;
	Elf64_Sym entry;
} symbols[] = {
	{ "", { 0 } },
	{ "twice", { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = TEXT, .st_size = sizeof(twice_code) } },
	{ "probe", { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = PROGRAM_CODE, .st_size = sizeof(probe_code) } },
	{ "events", { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), .st_shndx = MAPS, .st_size = 32 } },
	{ "limit", { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), .st_shndx = DATA, .st_size = 8 } },
	{ "LICENSE", { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), .st_shndx = LICENSE_TEXT, .st_size = 4 } },
};
static const Elf64_Rel relocations[] = {
	{ 1 * INSTRUCTION, ELF64_R_INFO(3, 1) },
	{ 5 * INSTRUCTION, ELF64_R_INFO(4, 1) },
	{ 7 * INSTRUCTION, ELF64_R_INFO(1, 10) },
};

/* How libbpf's headers say a number in a map's definition. */
static int add_number(struct btf *btf, int number_type, uint32_t number)
{
	return btf__add_ptr(btf, btf__add_array(btf, number_type, number_type, number));
}

struct described {
	int probe, twice; /* functions */
	int section_names[2], file_name;
};

static struct btf *make_btf(struct described *ret)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int type = add_number(btf, number, BPF_MAP_TYPE_ARRAY), count = add_number(btf, number, 1);
	int entry = btf__add_ptr(btf, btf__add_typedef(btf, "u32", number));

	int map = btf__add_struct(btf, NULL, 32);
	cr_assert_eq(btf__add_field(btf, "type", type, 0, 0), 0);
	btf__add_field(btf, "max_entries", count, 64, 0);
	btf__add_field(btf, "key", entry, 128, 0);
	btf__add_field(btf, "value", entry, 192, 0);
	int events = btf__add_var(btf, "events", BTF_VAR_GLOBAL_ALLOCATED, map);
	int context = btf__add_ptr(btf, 0), prototype = btf__add_func_proto(btf, number);
	cr_assert_eq(btf__add_func_param(btf, "context", context), 0);
	ret->probe = btf__add_func(btf, "probe", BTF_FUNC_GLOBAL, prototype);
	ret->twice = btf__add_func(btf, "twice", BTF_FUNC_GLOBAL, prototype);
	btf__add_datasec(btf, ".maps", 32);
	cr_assert_eq(btf__add_datasec_var_info(btf, events, 0, 32), 0);
	int limit = btf__add_var(btf, "limit", BTF_VAR_GLOBAL_EXTERN, number);
	btf__add_datasec(btf, ".kconfig", 4);
	cr_assert_eq(btf__add_datasec_var_info(btf, limit, 0, 4), 0);
	ret->section_names[0] = btf__add_str(btf, "kprobe/f");
	ret->section_names[1] = btf__add_str(btf, ".text");
	ret->file_name = btf__add_str(btf, "probe.c");
	return btf;
}

static void append_u32(struct buf *b, uint32_t n)
{
	append(b, &n, sizeof(n));
}

static void make_btf_ext(const struct described *d, struct buf *ret)
{
	const uint32_t header[] = { 0x0001eb9f, 24, 0, 4 + 16 + 16, 4 + 16 + 16, 4 + 8 + 16 };

	append(ret, header, sizeof(header));
	append_u32(ret, 8);
	for (int i = 0; i < 2; i++) {
		append_u32(ret, (uint32_t)d->section_names[i]);
		append_u32(ret, 1);
		append_u32(ret, 0);
		append_u32(ret, (uint32_t)(i ? d->twice : d->probe));
	}
	append_u32(ret, 16);
	append_u32(ret, (uint32_t)d->section_names[0]);
	append_u32(ret, 1);
	const uint32_t line[] = { 3 * INSTRUCTION, (uint32_t)d->file_name, (uint32_t)d->file_name, 12 << 10 };
	append(ret, line, sizeof(line));
}

/* --- put together --- */

struct piece {
	const char *name;
	uint32_t type;
	uint64_t flags;
	const void *bytes;
	size_t len;
	uint32_t link, info;
};

static void make_symbols(struct buf *table, struct buf *names)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		Elf64_Sym entry = symbols[i].entry;
		entry.st_name = (Elf64_Word)names->len;
		append(names, symbols[i].name, strlen(symbols[i].name) + 1);
		append(table, &entry, sizeof(entry));
	}
}

static void put_together(const struct piece *pieces, struct buf *ret)
{
	enum { PIECES_MAX = 16 };
	Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			      .e_type = ET_REL,
			      .e_machine = EM_BPF,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(Elf64_Ehdr),
			      .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Shdr headers[PIECES_MAX] = { { 0 } };
	cleanup_buf struct buf names = { 0 };
	size_t count = 1;

	append(ret, &header, sizeof(header));
	append(&names, "", 1);
	for (const struct piece *p = pieces;; p++) {
		const struct piece last = { ".shstrtab", SHT_STRTAB, 0, NULL, 0, 0, 0 };
		const struct piece *now = p->name ? p : &last;
		headers[count] = (Elf64_Shdr){ .sh_name = (Elf64_Word)names.len,
					       .sh_type = now->type,
					       .sh_flags = now->flags,
					       .sh_link = now->link,
					       .sh_info = now->info,
					       .sh_addralign = 8 };
		append(&names, now->name, strlen(now->name) + 1);
		while (ret->len % 8)
			append(ret, "", 1);
		headers[count].sh_offset = ret->len;
		headers[count].sh_size = p->name ? now->len : names.len;
		append(ret, p->name ? now->bytes : names.data, headers[count++].sh_size);
		if (!p->name)
			break;
	}
	while (ret->len % 8)
		append(ret, "", 1);
	header.e_shoff = ret->len;
	header.e_shnum = (Elf64_Half)count;
	header.e_shstrndx = (Elf64_Half)(count - 1);
	append(ret, headers, count * sizeof(headers[0]));
	memcpy(ret->data, &header, sizeof(header));
}

static void make(bool old, struct buf *ret)
{
	enum { SYMBOLS = RELOCATIONS + 1, NAMES };
	static const char zeros[32];
	cleanup_buf struct buf table = { 0 };
	cleanup_buf struct buf names = { 0 };
	cleanup_buf struct buf ext = { 0 };
	struct described d;
	uint32_t btf_len;

	struct btf *btf = make_btf(&d);
	const void *btf_bytes = btf__raw_data(btf, &btf_len);
	make_btf_ext(&d, &ext);
	make_symbols(&table, &names);
	const struct piece maps = { ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, zeros, sizeof(zeros), 0, 0 };
	const struct piece old_maps = { "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, old_map, sizeof(old_map), 0, 0 };
	const struct piece pieces[] = {
		{ ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, twice_code, sizeof(twice_code), 0, 0 },
		{ "kprobe/f", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, probe_code, sizeof(probe_code), 0, 0 },
		old ? old_maps : maps,
		{ ".rodata", SHT_PROGBITS, SHF_ALLOC, zeros, 8, 0, 0 },
		{ "license", SHT_PROGBITS, SHF_ALLOC, license, sizeof(license), 0, 0 },
		{ "version", SHT_PROGBITS, SHF_ALLOC, &version_code, sizeof(version_code), 0, 0 },
		{ ".relkprobe/f", SHT_REL, 0, relocations, sizeof(relocations), SYMBOLS, PROGRAM_CODE },
		{ ".symtab", SHT_SYMTAB, 0, table.data, table.len, NAMES, 1 },
		{ ".strtab", SHT_STRTAB, 0, names.data, names.len, 0, 0 },
		{ old ? NULL : ".BTF", SHT_PROGBITS, 0, btf_bytes, btf_len, 0, 0 },
		{ ".BTF.ext", SHT_PROGBITS, 0, ext.data, ext.len, 0, 0 },
		{ NULL, 0, 0, NULL, 0, 0, 0 },
	};
	put_together(pieces, ret);
	btf__free(btf);
}

void make_full_bpf(struct buf *ret)
{
	make(false, ret);
}

void make_old_bpf(struct buf *ret)
{
	make(true, ret);
}

Elf64_Shdr *full_section(struct buf *object, const char *name)
{
	const Elf64_Ehdr *header = object_header(object);
	const char *names = object->data + object_section(object, header->e_shstrndx)->sh_offset;

	for (size_t i = 1; i < header->e_shnum; i++)
		if (strcmp(names + object_section(object, i)->sh_name, name) == 0)
			return object_section(object, i);
	cr_assert_fail("no section %s", name);
	return NULL;
}

char *full_bytes(struct buf *object, const char *section, size_t offset)
{
	const Elf64_Shdr *s = full_section(object, section);

	cr_assert(offset < s->sh_size, "%s has %zu bytes", section, (size_t)s->sh_size);
	return object->data + s->sh_offset + offset;
}

Elf64_Sym *full_symbol(struct buf *object, const char *name)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strcmp(symbols[i].name, name) == 0)
			return (Elf64_Sym *)full_bytes(object, ".symtab", i * sizeof(Elf64_Sym));
	cr_assert_fail("no symbol %s", name);
	return NULL;
}

struct reference *make_kernel(const char *without)
{
	static const char *const identifiers[] = { "BPF_PROG_TYPE_KPROBE", "BPF_MAP_TYPE_ARRAY", "BPF_PSEUDO_CALL",
						   "BPF_PSEUDO_MAP_VALUE", "BPF_JMP32",		 "BPF_ATOMIC" };
	static const char mapper[] =
		"#define __BPF_FUNC_MAPPER(FN) \\\n FN(unspec), \\\n FN(map_lookup_elem), \\\n FN(map_update_elem), \\\n"
		" FN(map_delete_elem), \\\n FN(probe_read), \\\n FN(ktime_get_ns),\n";
	cleanup_buf struct buf text = { 0 };
	struct reference *r = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); i++)
		if (!without || strcmp(identifiers[i], without) != 0)
			cr_assert_eq(buf_printf(&text, &e, "#define %s 1\n", identifiers[i]), 0);
	append(&text, mapper, strlen(mapper));
	cr_assert_eq(reference_new(&r, &e), 0);
	cr_assert_eq(reference_add(r, CAPTURE_BPF, buf_text(&text), text.len, &e), 0, "%s", e.message);
	return r;
}
