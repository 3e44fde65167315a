#include "kernel/kind.h"

#include <string.h>

static const char *const names[KIND_COUNT] = { [KIND_MOD] = "mod", [KIND_BPF] = "bpf" };

const char *kind_name(enum probe_kind_id kind)
{
	return names[kind];
}

int kind_parse(const char *name, enum probe_kind_id *ret, struct err *e)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum probe_kind_id)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "unknown kind '%s': expected '%s' or '%s'", name, names[KIND_MOD], names[KIND_BPF]);
}
