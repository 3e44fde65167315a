#include "build/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/compiler_memory.h"
#include "build/yielding.h"

enum { TEXT_MAX = 1024 * 1024, VERSION_MAX = 64 };

void inputs_release(struct inputs *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->chosen_count; i++) {
		kernel_set_release(&in->chosen[i].kernels);
		digest_table_free(in->chosen[i].digests);
	}
	free(in->chosen);
	distro_set_release(&in->distros);
	recipe_set_release(&in->recipes);
	probe_release(&in->probe);
	free(in->module_version);
	buf_release(&in->ahead);
	free(in->build_script);
	free(in->seccomp_profile);
	block_list_free(in->block_list);
	*in = (struct inputs){ 0 };
}

static char *read_text(const char *root, const char *name, struct err *e)
{
	cleanup_free char *path = path_join(root, name, e);
	cleanup_buf struct buf text = { 0 };

	if (!path || file_read(path, TEXT_MAX, &text, e) < 0)
		return NULL;
	return buf_steal(&text);
}

/* The version becomes a tag and a directory: one word of the characters that both allow. */
static int check_version(const char *path, const char *text, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(text);

	if (len == 0 || len > VERSION_MAX || strspn(text, allowed) != len || text[0] == '.' || text[0] == '-')
		return err_set(e, ERR_INPUT, "%s:1: expected a version such as 1.2.0 or 1.2.0-rc1, found '%.80s'", path, text);
	return 0;
}

static int load_version(const char *dir, struct inputs *in, struct err *e)
{
	cleanup_free char *path = path_join(dir, in->probe.version_file, e);
	cleanup_buf struct buf text = { 0 };

	if (!path || file_read(path, VERSION_MAX * 4, &text, e) < 0)
		return err_wrap(e, "version-file of %s/probe.yaml", dir);
	in->module_version = buf_steal(&text);
	if (!in->module_version)
		return err_no_memory(e);
	size_t len = strlen(in->module_version);
	while (len && strchr(" \r\n", in->module_version[len - 1]))
		in->module_version[--len] = '\0';
	return check_version(path, in->module_version, e);
}

int inputs_load_probe(const struct inputs_options *options, struct inputs *ret, struct err *e)
{
	cleanup_free char *dir = options->probe_dir ? str_dup(options->probe_dir, e) : path_join(options->root, "probe", e);
	cleanup_inputs struct inputs in = { 0 };

	if (!dir || probe_load(dir, &in.probe, e) < 0 || load_version(dir, &in, e) < 0)
		return -1;
	if (sources_pack(dir, &in.probe, &in.ahead, in.source_digests, e) < 0)
		return err_wrap(e, "packing the sources of '%s'", dir);
	in.sources_len = in.ahead.len;
	*ret = in;
	in = (struct inputs){ 0 };
	return 0;
}

/* The first one is the error itself. */
static void report_findings(const struct strv *findings, struct log *log)
{
	for (size_t i = 1; i < findings->len; i++)
		log_printf(log, LOG_ERROR, "%s", findings->items[i]);
}

static int load_list(const char *path, struct log *log, struct kernel_list *ret, struct err *e)
{
	cleanup_strv struct strv findings = { 0 };

	if (kernel_list_load_all(path, ret, &findings, e) == 0)
		return 0;
	report_findings(&findings, log);
	return -1;
}

static int report_leftovers(const char *list, const struct kernel_set *set, struct log *log, struct err *e)
{
	cleanup_free char *uncrawled = kernel_list_uncrawled_path(list, e);

	if (!uncrawled)
		return -1;
	for (size_t i = 0; i < set->leftover_count; i++) {
		const struct kernel_leftover *l = &set->leftovers[i];
		log_printf(log, l->stands_elsewhere ? LOG_DEBUG : LOG_WARNING, "%s:%u: '%s' is left over: %s",
			   l->uncrawled ? uncrawled : list, l->line, path_base(l->url), l->reason);
	}
	return 0;
}

static int load_distro(const char *root, const struct distro *distro, struct log *log, struct distro_inputs *ret, struct err *e)
{
	cleanup_free char *path = path_join(root, distro->list, e);
	cleanup_free char *digests_path = path ? digest_table_path(path, e) : NULL;
	struct kernel_list list = { 0 };

	if (!digests_path || load_list(path, log, &list, e) < 0)
		return -1;
	ret->distro = distro;
	int result = kernel_group(&distro->kernel, &list, &ret->kernels, e);
	kernel_list_release(&list);
	if (result < 0)
		return err_wrap(e, "grouping '%s'", path);
	if (report_leftovers(distro->list, &ret->kernels, log, e) < 0)
		return -1;
	return digest_table_load(digests_path, &ret->digests, e);
}

static int load_chosen(const struct inputs_options *options, struct log *log, struct inputs *in, struct err *e)
{
	/* Unknown names first: a run with a misspelt --distro must not start. */
	for (size_t i = 0; i < options->distros->len; i++)
		if (!distro_find(&in->distros, options->distros->items[i], e))
			return -1;
	in->chosen = calloc(in->distros.count ? in->distros.count : 1, sizeof(*in->chosen));
	if (!in->chosen)
		return err_no_memory(e);
	for (size_t i = 0; i < in->distros.count; i++) {
		const struct distro *distro = &in->distros.items[i];
		if (options->distros->len && !strv_has(options->distros, distro->name))
			continue;
		if (load_distro(options->root, distro, log, &in->chosen[in->chosen_count++], e) < 0)
			return -1;
	}
	return 0;
}

int inputs_load_block_list(const struct inputs_options *options, struct log *log, struct block_list **ret, struct err *e)
{
	cleanup_free char *path =
		options->block_list ? str_dup(options->block_list, e) : path_join(options->root, "supported-kernels/BLOCKLIST", e);
	cleanup_strv struct strv findings = { 0 };

	if (!path)
		return -1;
	if (block_list_load(path, ret, &findings, e) == 0)
		return 0;
	if (!options->block_list && e->kind == ERR_NOT_FOUND) {
		*ret = NULL;
		return 0;
	}
	report_findings(&findings, log);
	return -1;
}

/* What is the same around every build. The digest is over the program's source: its bytes depend on who compiled it. */
static int load_surroundings(const char *images, struct inputs *in, struct err *e)
{
	struct embedded source = compiler_memory_source(), program = compiler_memory_program();

	in->build_script = read_text(images, "build.sh", e);
	struct hasher *h = in->build_script ? hasher_new(e) : NULL;
	if (!h)
		return -1;
	int result = hasher_text(h, in->build_script, e);
	if (result == 0)
		result = hasher_field(h, source.data, source.len, e);
	if (result == 0)
		result = hasher_finish(h, &in->script_digest, e);
	hasher_free(h);
	return result < 0 ? -1 : buf_append(&in->ahead, program.data, program.len, e);
}

int inputs_load(const struct inputs_options *options, struct log *log, struct inputs *ret, struct err *e)
{
	cleanup_inputs struct inputs in = { 0 };
	cleanup_free char *distros = path_join(options->root, "distros", e), *images = path_join(options->root, "images", e);

	if (!distros || !images || inputs_load_probe(options, &in, e) < 0)
		return -1;
	if (distro_load_dir(distros, &in.distros, e) < 0 || recipe_load_dir(images, &in.recipes, e) < 0)
		return e->kind == ERR_NOT_FOUND ? err_append(e, "is '%s' the checkout? --root says where it is", options->root)
						: -1;
	in.seccomp_profile = read_text(images, "seccomp.json", e);
	if (!in.seccomp_profile || load_surroundings(images, &in, e) < 0)
		return -1;
	if (inputs_load_block_list(options, log, &in.block_list, e) < 0 || load_chosen(options, log, &in, e) < 0 ||
	    inputs_yield(&in, log, e) < 0)
		return -1;
	*ret = in;
	in = (struct inputs){ 0 };
	return 0;
}
