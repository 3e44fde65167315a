/* gate: is what a builder handed back what was asked for? Checks of ELF objects in memory, and the filter process that reads a
 * builder's result and compresses what passed. It trusts nothing in the bytes, keeps nothing and does not decide what a finding
 * costs.
 *
 * Here: the checks of one object. */
#ifndef ORCHESTRATE_GATE_OBJECT_H
#define ORCHESTRATE_GATE_OBJECT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gate/reference.h"
#include "kernel/kind.h"

enum { OBJECT_BYTES_MAX = 64 << 20 };

struct gate_expect {
	enum probe_kind_id kind;
	const char *release;		   /* uname -r; what vermagic must begin with (modules); "": as reference says */
	uint16_t elf_machine;		   /* e_machine of the kernel (modules); eBPF objects are EM_BPF always */
	const char *module_name;	   /* "name" in .modinfo; NULL: any */
	const struct reference *reference; /* NULL: checks that need it are left out */
};

/* Texts are printable ASCII whatever the object held ('?' for the rest), and cut where they are too long. */
struct finding {
	char what[24]; /* "machine", "vermagic", "license", ... */
	char expected[160];
	char found[160];
};

enum { FINDINGS_MAX = 16 };

struct object_report {
	char vermagic[160]; /* modules; "" none */
	char license[64];
	char module_name[64]; /* modules; "" none */
	unsigned programs;    /* eBPF: sections with instructions */
	struct finding findings[FINDINGS_MAX];
	size_t finding_count; /* 0: the object passed */
};

/* Checks one object. Every oddity of the bytes is a finding, never an error; -1 only when we could not check at all (memory).
 * Both kinds: not empty, ELF64 of the byte order and machine expected, ET_REL, section headers inside the file, no section with
 * debug information left (.debug_*, .zdebug_*, their relocations). docs/gate.md has what each finding is called.
 * Modules: gate/module.h, and
 * - vermagic, by gate/vermagic.h; a license; a name, the same for tools and for the kernel; .gnu.linkonce.this_module;
 * - not more than 64 MiB when loaded.
 * eBPF:
 * - at least one program section, each of a name that loaders know ("program section"), of a type that the kernel has;
 * - instructions: codes that exist and that the kernel has, whole 64-bit constants, jumps and calls inside what they belong to,
 *   helpers that the kernel has, functions that end, programs not too long;
 * - relocations of programs: to maps, data or functions of the object, or to what its BTF says that the kernel is to have;
 * - maps: .maps with BTF for each, or whole definitions of the old form; types that the kernel has;
 * - BTF and .BTF.ext: sound, and about what there is;
 * - a non-empty "license" section; a licence compatible with the GPL where a helper asks for it;
 * - "version", for programs on probes before 5.0: the release's.
 * Whether the kernel's verifier takes a program is not to be told from here, nor whether the kernel has a function, a variable or a
 * type that the object names. Formats: elf(5), Documentation/bpf/standardization/instruction-set.rst, llvm_reloc.rst, btf.rst. */
must_check int object_check(const void *bytes, size_t len, const struct gate_expect *expect, struct object_report *ret,
			    struct err *e);

/* JSON object of a report and back (borrowed; NULL or -1 with *e). Strict: ERR_PROTOCOL. */
json_t *object_report_to_json(const struct object_report *r, struct err *e);
must_check int object_report_from_json(const json_t *json, struct object_report *ret, struct err *e);

#endif
