/* Machine architectures: the one table that ties the names of the kernel, of packages, of images and of ELF together. */
#ifndef ORCHESTRATE_KERNEL_ARCH_H
#define ORCHESTRATE_KERNEL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

struct arch {
	const char *name;      /* as packages and descriptors say it: "amd64" */
	const char *srcarch;   /* directory below arch/ in the kernel's sources: "x86" */
	const char *oci;       /* "architecture" of an OCI image config (GOARCH): "amd64" */
	const char *config[2]; /* as a .config's title says it (Linux/x86), now and in older kernels; NULL: always the same */
	uint16_t elf_machine;  /* e_machine of its ELF files: EM_X86_64 */
};

/* NULL when there is none of that name. Static storage. */
const struct arch *arch_by_name(const char *name);
/* Is a configuration with this in its title for it? */
bool arch_is_configured(const struct arch *arch, const char *config);
/* All names, NULL-terminated, for str_nearest and messages. */
const char *const *arch_names(void);

#endif
