/* What the kernel thinks of licences. */
#ifndef ORCHESTRATE_GATE_LICENSE_H
#define ORCHESTRATE_GATE_LICENSE_H

#include <stdbool.h>

/* Whether it takes a licence for compatible with the GPL, by its very text: license_is_gpl_compatible() in the kernel's
 * include/linux/license.h, which decides for modules and eBPF programs. */
bool license_is_gpl_compatible(const char *license);

#endif
