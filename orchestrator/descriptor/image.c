#include "descriptor/image.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"
#include "fetch/url.h"
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

int rule_image_text(const char *text, struct err *e)
{
	return template_check(text, find_value, NULL, e);
}

int distro_image_urls(const struct distro *d, const struct kernel *k, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < d->proof.images.len; i++) {
		cleanup_free char *reference = template_expand(d->proof.images.items[i], find_value, k, e);
		cleanup_free char *url = reference ? url_resolve(k->packages[0].url, reference, e) : NULL;
		if (!url || strv_add(ret, url, e) < 0)
			return err_wrap(e, "image of kernel '%s'", k->id);
	}
	return 0;
}

char *distro_image_kernel(const struct distro *d, const struct kernel *k, struct err *e)
{
	cleanup_free char *path = template_expand(d->proof.kernel, find_value, k, e);

	if (path && !path_is_plain(path)) {
		err_set(e, ERR_INPUT, "'%s' is no plain path in a package", path);
		return NULL;
	}
	return steal_ptr(&path);
}
