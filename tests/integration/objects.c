#include "objects.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gate/object.h"
#include "site.h"
#include "tree.h"

static void expect_good_object(const char *id, const char *release, const char *module, enum probe_kind_id kind)
{
	struct site *s = site();
	const struct gate_expect expect = {
		.kind = kind, .release = release, .elf_machine = EM_X86_64, .module_name = kind == KIND_MOD ? module : NULL
	};
	cleanup_free char *path = kind == KIND_MOD ? text_of("%s/%s-%s.ko.gz", s->modules, s->name, id)
						   : text_of("%s/%s-ebpf-%s.o.gz", s->modules, s->name, id);
	cleanup_buf struct buf object = { 0 };
	struct object_report report;
	struct err e;

	file_gunzip(path, &object);
	cr_assert(object_check(object.data, object.len, &expect, &report, &e) == 0, "%s", e.message);
	for (size_t i = 0; i < report.finding_count; i++)
		cr_expect(false, "%s: %s: expected %s, found %s", path, report.findings[i].what, report.findings[i].expected,
			  report.findings[i].found);
	cr_expect(report.license[0] != '\0');
	cr_expect(kind == KIND_MOD || report.programs > 0, "'%s' has no program", path);
}

void expect_good_objects(const char *id, const char *release, const char *module)
{
	expect_good_object(id, release, module, KIND_MOD);
	expect_good_object(id, release, module, KIND_BPF);
}
