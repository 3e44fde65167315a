#include "build/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/shared_tree.h"

static int add_env(struct strv *env, struct err *e, const char *name, const char *value)
{
	return strv_take(env, str_printf(e, "%s=%s", name, value), e);
}

/* A name that is there already gets the new value: what reads an environment with a name twice may take either. */
static int set_env(struct strv *env, struct err *e, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], name, len) != 0 || env->items[i][len] != '=')
			continue;
		char *text = str_printf(e, "%s=%s", name, value);
		if (!text)
			return -1;
		free(env->items[i]);
		env->items[i] = text;
		return 0;
	}
	return add_env(env, e, name, value);
}

static int add_toolchain(const struct job *job, struct strv *env, struct err *e)
{
	const struct recipe *recipe = job->choice.recipe;
	unsigned gcc = job->choice.clang ? recipe->gcc[recipe->gcc_count - 1] : (unsigned)job->choice.gcc;

	if (strv_take(env, job->choice.clang ? str_printf(e, "CC=clang-%u", recipe->clang) : str_printf(e, "CC=gcc-%u", gcc), e) <
		    0 ||
	    strv_take(env, str_printf(e, "CLANG=clang-%u", recipe->clang), e) < 0 ||
	    strv_take(env, str_printf(e, "LLVM_STRIP=llvm-strip-%u", recipe->clang), e) < 0 ||
	    add_env(env, e, "STRIP", "strip") < 0)
		return -1;
	for (size_t i = 0; i < recipe->env_count; i++) {
		cleanup_free char *value = recipe_expand(recipe, recipe->env[i].value, gcc, e);
		if (!value || set_env(env, e, recipe->env[i].name, value) < 0)
			return -1;
	}
	return 0;
}

/* A kernel that clang built is linked by lld and its tools, too (the kernel's Documentation/kbuild/llvm.rst). All are named one by
 * one: a suffix in LLVM counts only since 5.18. */
static int add_llvm(const struct job *job, struct strv *variables, struct err *e)
{
	static const struct {
		const char *variable, *program;
	} tools[] = { { "LLVM", "" },
		      { "LD", "ld.lld" },
		      { "AR", "llvm-ar" },
		      { "NM", "llvm-nm" },
		      { "OBJCOPY", "llvm-objcopy" },
		      { "OBJDUMP", "llvm-objdump" },
		      { "READELF", "llvm-readelf" } };

	for (size_t i = 0; job->choice.clang && i < ARRAY_LEN(tools); i++)
		if (strv_take(variables, str_printf(e, "%s=%s-%d", tools[i].variable, tools[i].program, job->choice.clang), e) < 0)
			return -1;
	return 0;
}

/* As make itself writes variables into MAKEFLAGS: it splits at blanks and expands what it reads. */
static int append_for_makeflags(struct buf *flags, const char *variable, struct err *e)
{
	if (buf_puts(flags, " ", e) < 0)
		return -1;
	for (const char *p = variable; *p; p++) {
		const char *before = *p == '$' ? "$" : *p == ' ' || *p == '\t' || *p == '\\' ? "\\" : "";
		if (buf_printf(flags, e, "%s%c", before, *p) < 0)
			return -1;
	}
	return 0;
}

/* Variables behind `--` in MAKEFLAGS count as if given on make's command line (GNU make manual, "Options/Recursion"). */
static int add_make_variables(const struct strv *variables, struct strv *env, struct err *e)
{
	cleanup_buf struct buf flags = { 0 };

	if (!variables->len)
		return 0;
	if (buf_puts(&flags, " --", e) < 0)
		return -1;
	for (size_t i = 0; i < variables->len; i++)
		if (append_for_makeflags(&flags, variables->items[i], e) < 0)
			return -1;
	return add_env(env, e, "MAKEFLAGS", buf_text(&flags));
}

static int add_shared(const struct job *job, struct strv *env, struct err *e)
{
	if (!shared_tree_wanted(job->kernel))
		return 0;
	cleanup_free char *path = shared_tree_path(job, e);
	return path ? add_env(env, e, "SHARED_TREE", path) : -1;
}

/* The script prepares the tree where it is told what the configuration is. */
static int add_prepare(const struct job *job, struct strv *env, struct err *e)
{
	const struct prepare_rules *rules = &job->distro->distro->prepare;
	cleanup_buf struct buf globs = { 0 };

	if (!rules->wanted)
		return 0;
	for (size_t i = 0; i < rules->config.len; i++)
		if (buf_printf(&globs, e, "%s%s", i ? " " : "", rules->config.items[i]) < 0)
			return -1;
	if (add_env(env, e, "PREPARE_CONFIG", buf_text(&globs)) < 0)
		return -1;
	return rules->local_version ? add_env(env, e, "PREPARE_LOCALVERSION", rules->local_version) : 0;
}

int environment_common(const struct inputs *in, const struct job *job, struct strv *env, struct err *e)
{
	cleanup_tree_rules struct tree_rules rules = { 0 };

	cleanup_strv struct strv variables = { 0 };
	const struct strv *make = &job->distro->distro->toolchain.make;

	/* The descriptor has the last word. */
	if (add_llvm(job, &variables, e) < 0)
		return -1;
	for (size_t i = 0; i < make->len; i++)
		if (strv_add(&variables, make->items[i], e) < 0)
			return -1;
	if (distro_tree_rules(job->distro->distro, job->kernel, &rules, e) < 0 ||
	    add_env(env, e, "BUILD_DIR", rules.build_dir) < 0 || add_shared(job, env, e) < 0 || add_prepare(job, env, e) < 0 ||
	    add_env(env, e, "KERNEL_RELEASE", job->kernel->release) < 0 ||
	    add_env(env, e, "ARCH", job->kernel->arch->srcarch) < 0 || add_env(env, e, "MODULE_VERSION", in->module_version) < 0 ||
	    add_toolchain(job, env, e) < 0)
		return -1;
	return add_make_variables(&variables, env, e);
}

int environment_kind(const struct inputs *in, enum probe_kind_id kind, struct strv *env, struct err *e)
{
	const struct probe_kind *what = &in->probe.kinds[kind];
	const char *name = kind_name(kind);

	if (strv_take(env, str_printf(e, "BUILD_%s=%s", name, what->build), e) < 0)
		return -1;
	return strv_take(env, str_printf(e, "OUTPUT_%s=%s", name, what->output), e);
}
