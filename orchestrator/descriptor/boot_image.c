#include "descriptor/boot_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fetch/url.h"
#include "kernel/pattern.h"
#include "kernel/template.h"

const char *const distro_image_names[DISTRO_TREE_NAMES + 2] = { "release",	   "base", "id", "version", "arch", "srcarch",
								"package-version", NULL };

/* A kernel of which a name can be asked; NULL: only whether there is such a name. */
static const char *find_value(const void *context, const char *name, size_t *ret_len)
{
	const struct kernel *k = context;
	const char *const values[] = {
		k ? k->release : "",
		k ? k->base : "",
		k ? k->id : "",
		k ? k->version : "",
		k ? k->arch->name : "",
		k ? k->arch->srcarch : "",
		k ? k->packages[0].version : "",
	};

	for (size_t i = 0; distro_image_names[i]; i++) {
		if (strcmp(distro_image_names[i], name) != 0)
			continue;
		const char *value = values[i] ? values[i] : "";
		*ret_len = strlen(value);
		return value;
	}
	return NULL;
}

static int rule_image_text(const char *text, struct err *e)
{
	return template_check(text, find_value, NULL, e);
}

/* What a value may still make of it is looked at when the value is known. */
static int rule_image_path(const char *text, struct err *e)
{
	if (rule_image_text(text, e) < 0)
		return -1;
	return path_is_plain(text) ? 0 : err_set(e, ERR_INPUT, "'%s' is no plain path in a package, such as 'boot/vmlinuz'", text);
}

static const struct field boot_image_fields[] = {
	{ .key = "release", .type = FIELD_TEXT, .offset = offsetof(struct boot_image, release), .rule = rule_pattern },
	{ .key = "package",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct boot_image, package),
	  .rule = rule_image_text },
	{ .key = "kernel",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct boot_image, kernel),
	  .rule = rule_image_path },
	{ 0 },
};

const struct shape boot_image_shape = { .what = "boot image", .size = sizeof(struct boot_image), .fields = boot_image_fields };

void boot_images_release(struct boot_images *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		free(rules->items[i].release);
		free(rules->items[i].package);
		free(rules->items[i].kernel);
	}
	free(rules->items);
	*rules = (struct boot_images){ 0 };
}

/* 1 the rule is about this release, 0 it is not. */
static int concerns(const struct boot_image *rule, const struct kernel *k, struct err *e)
{
	cleanup_of(pattern) struct pattern *p = NULL;

	if (!rule->release)
		return 1;
	return pattern_new(rule->release, &p, e) < 0 ? -1 : pattern_match(p, k->release, e);
}

static int add_place(const struct boot_image *rule, const struct kernel *k, struct strv *ret_urls, struct strv *ret_kernels,
		     struct err *e)
{
	cleanup_free char *reference = template_expand(rule->package, find_value, k, e);
	cleanup_free char *path = reference ? template_expand(rule->kernel, find_value, k, e) : NULL;
	cleanup_free char *url = path ? url_resolve(k->packages[0].url, reference, e) : NULL;

	if (!url)
		return -1;
	if (!path_is_plain(path))
		return err_set(e, ERR_INPUT, "'%s' is no plain path in a package", path);
	return strv_add(ret_urls, url, e) < 0 ? -1 : strv_add(ret_kernels, path, e);
}

int distro_image_places(const struct distro *d, const struct kernel *k, struct strv *ret_urls, struct strv *ret_kernels,
			struct err *e)
{
	for (size_t i = 0; i < d->boot_images.count; i++) {
		const struct boot_image *rule = &d->boot_images.items[i];
		int about = concerns(rule, k, e);
		if (about < 0 || (about && add_place(rule, k, ret_urls, ret_kernels, e) < 0))
			return err_wrap(e, "image of kernel '%s'", k->id);
	}
	return 0;
}
