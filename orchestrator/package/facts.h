/* What the packages of a kernel say about how it must be built. */
#ifndef ORCHESTRATE_PACKAGE_FACTS_H
#define ORCHESTRATE_PACKAGE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct package_format;
struct source;

struct facts {
	char release[128];     /* uname -r, from include/generated/utsrelease.h, else include/config/kernel.release; "" not found */
	char cc_text[256];     /* CONFIG_CC_VERSION_TEXT; "" not found */
	int gcc, clang;	       /* majors from CONFIG_GCC_VERSION and CONFIG_CLANG_VERSION, else from cc_text; 0: not by this one */
	char glibc[16];	       /* highest GLIBC_x.y that a host tool needs, as "2.34"; "" none */
	char glibc_user[256];  /* path of that host tool */
	bool btf;	       /* CONFIG_DEBUG_INFO_BTF_MODULES: linking a module wants pahole */
	bool modversions;      /* CONFIG_MODVERSIONS */
	bool module_signature; /* CONFIG_MODULE_SIG_FORCE: unsigned modules do not load */
	char signature_hash[16]; /* CONFIG_MODULE_SIG_HASH: what it signs its own modules with; "" not found */
	char arch[16];		 /* what .config says it is for, in the kernel's words: "x86", "x86_64", "arm64"; "" not found */
	bool symvers;		 /* there is a Module.symvers */
	/* No build has said what it calls itself: the release is what the sources say (their Makefile, then CONFIG_LOCALVERSION).
	 */
	bool from_sources;
};

/* Reads packages (each taken over, also on failure) and fills *ret. places: the build directory, as in struct tree_rules, then,
 * each behind a newline, files that the configuration is taken from instead, the first that is there: a tree of sources, to be
 * prepared. All of them are globs (fnmatch(3), FNM_PATHNAME); two build directories that fit are ERR_INPUT. What a build leaves
 * beside its configuration is looked for beside a `.config` of these too. The CONFIG_ settings are those of the configuration;
 * where there is none, or it does not know the compiler, of include/config/auto.conf. Packages without a configuration or host
 * tools add nothing, so they may be left out. A host tool that is no readable ELF file is passed over; what is not found stays
 * empty: the caller decides what it cannot do without. */
must_check int facts_collect(struct source *const packages[], const char *const names[], size_t count,
			     const struct package_format *format, unsigned threads, const char *places, struct facts *ret,
			     struct err *e);
/* One line of JSON. NULL on failure; caller frees. */
char *facts_encode(const struct facts *f, struct err *e);
/* The reverse; strict, ERR_PROTOCOL. */
must_check int facts_decode(const char *json, struct facts *ret, struct err *e);

#endif
