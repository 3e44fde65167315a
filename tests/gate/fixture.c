#include "fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "stream/archive_stream.h"
#include "stream/sink.h"

enum { SECTIONS_MAX = 32 };

static void append(struct buf *b, const void *bytes, size_t len)
{
	struct err e = { 0 };

	cr_assert_eq(buf_append(b, bytes, len, &e), 0, "%s", e.message);
}

/* Adds the bytes of a section and describes them; the name goes into the table of names. */
static void add_section(struct buf *object, struct buf *names, Elf64_Shdr *header, const struct part *part)
{
	while (object->len % 8)
		append(object, "", 1);
	*header = (Elf64_Shdr){ .sh_name = (Elf64_Word)names->len,
				.sh_type = part->type,
				.sh_flags = part->flags,
				.sh_offset = object->len,
				.sh_size = part->len,
				.sh_addralign = 8 };
	append(names, part->name, strlen(part->name) + 1);
	if (part->type != SHT_NOBITS)
		append(object, part->bytes, part->len);
}

/* Entry 0 and those of the table; their names go into names. */
static void make_symbols(const struct name *symbols, struct buf *table, struct buf *names)
{
	Elf64_Sym symbol = { 0 };

	append(table, &symbol, sizeof(symbol));
	append(names, "", 1);
	for (const struct name *s = symbols; s->text; s++) {
		symbol = (Elf64_Sym){ .st_name = (Elf64_Word)names->len,
				      .st_info = ELF64_ST_INFO(s->bind, s->section ? STT_FUNC : STT_NOTYPE),
				      .st_shndx = s->section };
		append(table, &symbol, sizeof(symbol));
		append(names, s->text, strlen(s->text) + 1);
	}
}

void make_object(uint16_t machine, const struct part *parts, struct buf *ret)
{
	static const struct name symbols[] = { { "init", STB_GLOBAL, 1 }, { NULL, 0, 0 } };

	make_object_of(machine, parts, symbols, ret);
}

void make_object_of(uint16_t machine, const struct part *parts, const struct name *symbols, struct buf *ret)
{
	Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			      .e_type = ET_REL,
			      .e_machine = machine,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(Elf64_Ehdr),
			      .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Shdr headers[SECTIONS_MAX] = { { 0 } };
	cleanup_buf struct buf table = { 0 };
	cleanup_buf struct buf texts = { 0 };
	cleanup_buf struct buf names = { 0 };
	size_t count = 1;

	make_symbols(symbols, &table, &texts);
	const struct part symtab = { ".symtab", SHT_SYMTAB, 0, table.data, table.len };
	const struct part strtab = { ".strtab", SHT_STRTAB, 0, texts.data, texts.len };
	append(&names, "", 1);
	append(ret, &header, sizeof(header));
	for (; parts->name; parts++)
		add_section(ret, &names, &headers[count++], parts);
	headers[count] = (Elf64_Shdr){ 0 };
	add_section(ret, &names, &headers[count], &symtab);
	headers[count].sh_entsize = sizeof(Elf64_Sym);
	headers[count].sh_link = (Elf64_Word)count + 1;
	headers[count].sh_info = 1;
	count++;
	add_section(ret, &names, &headers[count++], &strtab);
	append(&names, ".shstrtab", 10);
	const struct part shstrtab = { "", SHT_STRTAB, 0, names.data, names.len };
	cleanup_buf struct buf unused = { 0 };
	add_section(ret, &unused, &headers[count], &shstrtab);
	headers[count].sh_name = (Elf64_Word)names.len - 10;
	header.e_shstrndx = (Elf64_Half)count++;
	while (ret->len % 8)
		append(ret, "", 1);
	header.e_shoff = ret->len;
	header.e_shnum = (Elf64_Half)count;
	append(ret, headers, count * sizeof(headers[0]));
	memcpy(ret->data, &header, sizeof(header));
}

void make_module(struct buf *ret)
{
	static const struct part parts[] = { PROGRAM(".text"),
					     MODINFO("license=GPL\0depends=\0name=probe\0vermagic=6.1.0-x SMP preempt "),
					     THIS_MODULE, NO_MORE };

	make_object(EM_X86_64, parts, ret);
}

void make_bpf(struct buf *ret)
{
	static const struct part parts[] = { PROGRAM("tracepoint/sched/sched_process_exec"), LICENSE("GPL"), NO_MORE };

	make_object(EM_BPF, parts, ret);
}

Elf64_Ehdr *object_header(struct buf *object)
{
	return (Elf64_Ehdr *)object->data;
}

Elf64_Shdr *object_section(struct buf *object, size_t index)
{
	return (Elf64_Shdr *)(object->data + object_header(object)->e_shoff) + index;
}

void make_result(const struct member_spec *members, struct buf *ret)
{
	struct err e = { 0 };
	struct sink *sink = sink_to_buf(ret, 128 << 20, &e);
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_ustar(a);
	cr_assert_eq(archive_write_open_sink(a, sink, &e), 0);
	for (const struct member_spec *m = members; m->name; m++) {
		size_t len = m->bytes ? m->bytes->len : 0;
		archive_entry_clear(entry);
		archive_entry_set_pathname(entry, m->name);
		archive_entry_set_mode(entry, m->mode);
		archive_entry_set_size(entry, (la_int64_t)len);
		if (m->target && S_ISLNK(m->mode))
			archive_entry_set_symlink(entry, m->target);
		else if (m->target)
			archive_entry_set_hardlink(entry, m->target);
		cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK, "%s", archive_error_string(a));
		if (len)
			cr_assert_eq(archive_write_data(a, m->bytes->data, len), (la_ssize_t)len);
	}
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	archive_entry_free(entry);
	sink_free(sink);
}
