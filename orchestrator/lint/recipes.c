#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/folder.h"
#include "descriptor/recipe.h"
#include "lint/checkout.h"
#include "toolchain/build_context.h"

static int check_build(struct checkout *c, const char *folder, const char *path, const struct recipe *r, struct err *e)
{
	cleanup_free char *dockerfile = path_join(folder, r->build.dockerfile, e);
	unsigned line = checkout_line(path, r->build.dockerfile);
	int there = dockerfile ? path_exists(dockerfile, e) : -1;

	if (there < 0)
		return -1;
	if (!there)
		return checkout_find(c, str_printf(e, "%s:%u: the Dockerfile '%s' is missing", path, line, dockerfile), e);
	if (build_context_check(r, e) < 0 && checkout_blame(c, dockerfile, e) < 0)
		return -1;
	/* It is for whoever has a registry at hand to do. */
	if (!r->build.digest)
		return checkout_note(c,
				     str_printf(e, "%s:%u: '%s' is not pinned to a digest (orchestrate toolchain pin %s)", path,
						checkout_line(path, r->build.base), r->build.base, r->name),
				     e);
	return 0;
}

static int check_recipe(struct checkout *c, const char *folder, const char *path, const struct recipe *r, struct err *e)
{
	if (r->has[RECIPE_BUILD] && check_build(c, folder, path, r, e) < 0)
		return -1;
	return checkout_keyring(c, path, r->bootstrap.keyring, e);
}

static int check_folder(struct checkout *c, const char *folder, struct err *e)
{
	cleanup_recipe struct recipe r = { 0 };
	cleanup_strv struct strv findings = { 0 };
	cleanup_free char *path = path_join(folder, "image.yaml", e);
	int there = path ? path_exists(path, e) : -1;

	/* Other files lie there too. */
	if (there <= 0)
		return there;
	c->report->files++;
	if (recipe_check(folder, &r, &findings, e) < 0)
		return checkout_blame_all(c, path, &findings, e) < 0 ? -1 : 0;
	return check_recipe(c, folder, path, &r, e);
}

static int check_needed(struct checkout *c, const char *name, struct err *e)
{
	cleanup_free char *path = checkout_path(c, name, e);
	int there = path ? path_exists(path, e) : -1;

	if (there)
		return there < 0 ? -1 : 0;
	return checkout_find(c, str_printf(e, "%s:1: it is missing, and every build needs it", path), e);
}

/* The images that descriptors prefer. */
static int check_preferences(struct checkout *c, const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < c->distros.count; i++) {
		const struct distro *d = &c->distros.items[i];
		for (size_t k = 0; k < d->toolchain.prefer.len; k++) {
			const char *name = d->toolchain.prefer.items[k];
			if (strv_has(names, name))
				continue;
			cleanup_free char *file = str_printf(e, "distros/%s.yaml", d->name);
			cleanup_free char *path = file ? checkout_path(c, file, e) : NULL;
			if (!path || checkout_find(c,
						   str_printf(e, "%s:%u: there is no toolchain image '%s'", path,
							      checkout_line(path, name), name),
						   e) < 0)
				return -1;
		}
	}
	return 0;
}

int check_recipes(struct checkout *c, struct err *e)
{
	cleanup_free char *dir = checkout_path(c, "images", e);
	cleanup_strv struct strv names = { 0 };

	if (!dir)
		return -1;
	if (folder_names(dir, "", &names, e) < 0)
		return checkout_blame(c, dir, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < names.len; i++) {
		cleanup_free char *folder = path_join(dir, names.items[i], e);
		if (!folder || check_folder(c, folder, e) < 0)
			return -1;
	}
	if (check_preferences(c, &names, e) < 0)
		return -1;
	return check_needed(c, "images/build.sh", e) < 0 || check_needed(c, "images/seccomp.json", e) < 0 ? -1 : 0;
}
