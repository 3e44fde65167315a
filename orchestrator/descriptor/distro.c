#include "descriptor/distro.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/boot_image.h"
#include "descriptor/folder.h"
#include "descriptor/indexes.h"
#include "descriptor/origin.h"
#include "descriptor/sections.h"
#include "descriptor/shape.h"
#include "kernel/pattern.h"
#include "kernel/template.h"

/* What a descriptor may call packages, and how their versions are ordered. Which of them can be unpacked is for package/format.h to
 * know: a kernel of another format is refused by the plan. */
static const struct {
	const char *name;
	version_order *order;
} formats[] = {
	{ "deb", version_compare_deb },
	{ "rpm", version_compare_rpm },
	{ "tar", version_compare_natural },   /* sources and headers as archives */
	{ "image", version_compare_natural }, /* of a disk with the headers on it */
};

static version_order *format_order(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].order;
	return NULL;
}

static int rule_format(const char *text, struct err *e)
{
	if (format_order(text))
		return 0;
	return err_set(e, ERR_INPUT, "unknown package format '%s': expected 'deb', 'rpm', 'tar' or 'image'", text);
}

static const struct field distro_fields[] = {
	{ .key = "name", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct distro, name), .rule = rule_name },
	{ .key = "family",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct distro, family),
	  .rule = rule_name },
	{ .key = "architecture",
	  .type = FIELD_BY_HAND,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct distro, arch),
	  .binder = bind_arch },
	{ .key = "list",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct distro, list),
	  .rule = rule_plain_path },
	{ .key = "format",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct distro, format),
	  .rule = rule_format },
	{ .key = "mirrors",
	  .type = FIELD_DICT,
	  .offset = offsetof(struct distro, mirrors),
	  .count_offset = offsetof(struct distro, mirror_count),
	  .shape = &mirror_shape },
	{ .key = "yields-to", .type = FIELD_TEXTS, .offset = offsetof(struct distro, yields_to), .rule = rule_name },
	{ .key = "snapshot",
	  .type = FIELD_DICT,
	  .offset = offsetof(struct distro, snapshots),
	  .count_offset = offsetof(struct distro, snapshot_count),
	  .shape = &snapshot_shape },
	{ .key = "package-manager", .type = FIELD_TEXT, .offset = offsetof(struct distro, package_manager), .rule = rule_name },
	{ .key = "forgets", .type = FIELD_BOOL, .offset = offsetof(struct distro, forgets) },
	{ .key = "indexes",
	  .type = FIELD_BY_HAND,
	  .offset = offsetof(struct distro, indexes),
	  .shape = &index_shape,
	  .binder = bind_indexes },
	{ .key = "kernel",
	  .type = FIELD_MAP,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct distro, kernel),
	  .shape = &kernel_shape },
	{ .key = "tree", .type = FIELD_MAP, .offset = offsetof(struct distro, tree), .shape = &tree_shape },
	{ .key = "prepare",
	  .type = FIELD_MAP,
	  .offset = offsetof(struct distro, prepare),
	  .given_offset = offsetof(struct distro, prepare.wanted),
	  .shape = &prepare_shape },
	{ .key = "image", .type = FIELD_MAP, .offset = offsetof(struct distro, image), .shape = &image_shape },
	{ .key = "toolchain", .type = FIELD_MAP, .offset = offsetof(struct distro, toolchain), .shape = &toolchain_shape },
	{ .key = "boot-images",
	  .type = FIELD_LIST,
	  .offset = offsetof(struct distro, boot_images.items),
	  .count_offset = offsetof(struct distro, boot_images.count),
	  .shape = &boot_image_shape },
	{ .key = "floors", .type = FIELD_MAP, .offset = offsetof(struct distro, floors), .shape = &floor_shape },
	{ .key = "backports", .type = FIELD_MAP, .offset = offsetof(struct distro, backports), .shape = &backports_shape },
	{ 0 },
};
static int check_snapshots(const void *target, struct err *e)
{
	const struct distro *d = target;

	for (size_t i = 0; i < d->snapshot_count; i++) {
		bool known = false;
		for (size_t k = 0; k < d->mirror_count; k++)
			known |= strcmp(d->snapshots[i].name, d->mirrors[k].name) == 0;
		if (!known)
			return err_set(e, ERR_INPUT, "'snapshot' names '%s', which is none of the mirrors", d->snapshots[i].name);
	}
	return 0;
}

static int check_distro(const void *target, struct err *e)
{
	const struct distro *d = target;
	bool image = strcmp(d->format, "image") == 0;

	if (d->tree.build_dir && image && !d->image.take.len)
		return err_set(e, ERR_INPUT, "where packages are disk images, 'image' must say what is taken out of them");
	for (size_t i = 0; d->prepare.wanted && i < d->kernel.package_count; i++)
		if (d->kernel.packages[i].shared)
			return err_set(e, ERR_INPUT,
				       "a tree that is to be prepared has no shared packages: they can't be written to");
	if (d->image.take.len && !image)
		return err_set(e, ERR_INPUT, "'image' is for packages of the format 'image'");
	return check_snapshots(target, e);
}

static const struct shape distro_shape = { .what = "distro", .fields = distro_fields, .check = check_distro };

int distro_keys(struct strv *ret, struct err *e)
{
	return shape_keys(&distro_shape, "", ret, e);
}

static const struct node *find_value(const struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return map->entries[i].value;
	return map;
}

/* Shared packages are unpacked once for several kernels and can't be written to: what a build works in must be the kernel's own. A
 * fix-up looks at a whole tree, and would take links from one part into the other for dangling. */
static int check_sharing(const char *file, const struct node *root, const struct distro *d, struct err *e)
{
	bool sharing = false;
	for (size_t i = 0; i < d->kernel.package_count; i++)
		sharing = sharing || d->kernel.packages[i].shared;
	if (!sharing || !d->tree.build_dir)
		return 0;
	for (size_t i = 0; i < TREE_FIX_UPS; i++)
		if (d->tree.fix_ups[i])
			return node_error(file, find_value(find_value(root, "tree"), "fix-ups"), e,
					  "no fix-ups where packages are shared");
	if (tree_text_names(d->tree.build_dir, distro_own_names))
		return 0;
	return node_error(
		file, find_value(find_value(root, "tree"), "build-dir"), e,
		"'%s': expected ${release} or ${id} in it: where packages are shared, the build directory must lie in the "
		"kernel's own",
		d->tree.build_dir);
}

/* Fills *d as far as it goes, also on failure. */
static int parse(const char *bytes, size_t len, const char *name, struct strv *findings, struct distro *d, struct err *e)
{
	cleanup_of(node) struct node *root = NULL;
	if (node_parse(bytes, len, name, findings, &root, e) < 0)
		return -1;
	int result = shape_bind(&distro_shape, name, root, d, e);
	if (result == 0)
		result = check_sharing(name, root, d, e);
	if (result < 0)
		return node_gather(root, e) < 0 ? -1 : 0;
	d->kernel.arch = d->arch;
	d->kernel.order = format_order(d->format);
	return 0;
}

int distro_parse(const char *bytes, size_t len, const char *name, struct distro *ret, struct err *e)
{
	cleanup_distro struct distro d = { 0 };
	if (parse(bytes, len, name, NULL, &d, e) < 0)
		return -1;
	*ret = d;
	d = (struct distro){ 0 };
	return 0;
}

static int check_file_name(const char *path, const struct distro *d, struct err *e)
{
	size_t len = strlen(d->name);
	const char *base = path_base(path);
	if (strncmp(base, d->name, len) == 0 && strcmp(base + len, ".yaml") == 0)
		return 0;
	return err_set(e, ERR_INPUT, "%s:1: the name in it is '%s', so the file should be '%s.yaml'", path, d->name, d->name);
}

/* As distro_check; findings NULL: the first mistake is the error. */
static int load(const char *path, struct distro *ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_distro struct distro d = { 0 };
	if (file_read(path, NODE_MAX_BYTES, &text, e) < 0 || parse(buf_text(&text), text.len, path, findings, &d, e) < 0)
		return -1;
	if (d.name && check_file_name(path, &d, e) < 0 && (!findings || strv_add(findings, e->message, e) < 0))
		return -1;
	if (findings && findings->len)
		return err_set(e, ERR_INPUT, "%s", findings->items[0]);
	*ret = d;
	d = (struct distro){ 0 };
	return 0;
}

int distro_load(const char *path, struct distro *ret, struct err *e)
{
	return load(path, ret, NULL, e);
}

int distro_check(const char *path, struct distro *ret, struct strv *findings, struct err *e)
{
	return load(path, ret, findings, e);
}

void distro_release(struct distro *d)
{
	free(d->name);
	free(d->family);
	free(d->list);
	free(d->format);
	strv_release(&d->yields_to);
	free(d->package_manager);
	index_list_release(&d->indexes);
	for (size_t i = 0; i < d->mirror_count; i++)
		mirror_release(&d->mirrors[i]);
	free(d->mirrors);
	for (size_t i = 0; i < d->snapshot_count; i++)
		mirror_release(&d->snapshots[i]);
	free(d->snapshots);
	group_rules_release(&d->kernel);
	tree_rules_release(&d->tree);
	strv_release(&d->prepare.config);
	free(d->prepare.local_version);
	image_rules_release(&d->image);
	for (size_t i = 0; i < d->toolchain.expect_count; i++)
		free(d->toolchain.expect[i].release);
	free(d->toolchain.expect);
	strv_release(&d->toolchain.make);
	strv_release(&d->toolchain.prefer);
	boot_images_release(&d->boot_images);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		free(d->floors[i]);
		backport_list_release(&d->backports[i]);
	}
	*d = (struct distro){ 0 };
}

static int check_yields(const struct distro_set *set, const char *dir, struct err *e)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct distro *d = &set->items[i];
		for (size_t j = 0; j < d->yields_to.len; j++) {
			const struct distro *other = distro_find(set, d->yields_to.items[j], e);
			if (other && other != d)
				continue;
			if (other)
				return err_set(e, ERR_INPUT, "%s/%s.yaml: yields-to: '%s' is the distro itself", dir, d->name,
					       d->name);
			e->kind = ERR_INPUT;
			return err_wrap(e, "%s/%s.yaml: yields-to", dir, d->name);
		}
	}
	return 0;
}

int distro_load_dir(const char *dir, struct distro_set *ret, struct err *e)
{
	cleanup_strv struct strv names = { 0 };
	cleanup_distro_set struct distro_set set = { 0 };
	if (folder_names(dir, ".yaml", &names, e) < 0)
		return -1;
	set.items = calloc(names.len ? names.len : 1, sizeof(*set.items));
	if (!set.items)
		return err_no_memory(e);
	for (; set.count < names.len; set.count++) {
		cleanup_free char *path = str_printf(e, "%s/%s.yaml", dir, names.items[set.count]);
		if (!path || distro_load(path, &set.items[set.count], e) < 0)
			return -1;
	}
	if (check_yields(&set, dir, e) < 0)
		return -1;
	*ret = set;
	set = (struct distro_set){ 0 };
	return 0;
}

void distro_set_release(struct distro_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		distro_release(&set->items[i]);
	free(set->items);
	*set = (struct distro_set){ 0 };
}

const struct distro *distro_find(const struct distro_set *set, const char *name, struct err *e)
{
	cleanup_strv struct strv names = { 0 };
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].name, name) == 0)
			return &set->items[i];
		if (strv_add(&names, set->items[i].name, e) < 0)
			return NULL;
	}
	folder_unknown("distro", name, &names, e);
	return NULL;
}
