/* The checks that make up object_check, one file each. Internal to gate. */
#ifndef ORCHESTRATE_GATE_CHECKS_H
#define ORCHESTRATE_GATE_CHECKS_H

#include "base/buf.h"
#include "gate/object.h"
#include "gate/sections.h"

/* Copies len bytes as printable ASCII, '?' for the rest, cut to fit. */
void copy_printable(char *ret, size_t room, const char *bytes, size_t len);
/* Adds a finding, unless it is there already, or FINDINGS_MAX are. what: at most 23 bytes. */
void finding_add(struct object_report *r, const char *what, const char *expected, const char *format, ...) printf_like(4, 5);

/* The sections of a kernel module, and of an eBPF object, as object_check says. -1: out of memory. */
must_check int module_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r,
			    struct err *e);
must_check int bpf_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r, struct err *e);

#endif
