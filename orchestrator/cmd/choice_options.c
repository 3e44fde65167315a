#include "cmd/choice_options.h"

static int add_distro(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct choice_options *)target)->distros, value, e);
}

static int add_kernel(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct choice_options *)target)->kernels, value, e);
}

static int add_kind(void *target, const char *value, struct err *e)
{
	enum probe_kind_id kind;

	if (kind_parse(value, &kind, e) < 0)
		return -1;
	((struct choice_options *)target)->kinds[kind] = true;
	return 0;
}

static int set_block_list(void *target, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_USAGE, "the name of a file is expected");
	((struct choice_options *)target)->block_list = value;
	return 0;
}

static int set_rebuild(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct choice_options *)target)->rebuild = true;
	return 0;
}

static int set_pull(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct choice_options *)target)->pull = true;
	return 0;
}

const struct option_def choice_kernel_table[] = {
	{ "distro", "NAME", "only this distro; repeatable [all in distros/]", add_distro },
	{ "kernel", "GLOB", "only kernels whose id matches, such as '6.1.*-cloud-*'; repeatable [all]", add_kernel },
	{ "kind", "KIND", "mod or bpf; repeatable [both]", add_kind },
	{ 0 },
};

const struct option_def choice_option_table[] = {
	{ "block-list", "FILE", "rules on what must not be built [ROOT/supported-kernels/BLOCKLIST]", set_block_list },
	{ "rebuild", NULL, "take nothing from the artifact store", set_rebuild },
	{ "pull", NULL,
	  "take toolchain images also from registries: without it, those that need one\nare used where they are there already",
	  set_pull },
	{ 0 },
};

void choice_kinds(const struct choice_options *o, bool ret[KIND_COUNT])
{
	bool given = false;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		given = given || o->kinds[kind];
	for (int kind = 0; kind < KIND_COUNT; kind++)
		ret[kind] = !given || o->kinds[kind];
}

void choice_options_release(struct choice_options *o)
{
	strv_release(&o->distros);
	strv_release(&o->kernels);
}
