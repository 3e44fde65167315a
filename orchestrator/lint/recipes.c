#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/folder.h"
#include "descriptor/recipe.h"
#include "lint/checkout.h"

static int check_recipe(struct checkout *c, const char *folder, const char *path, const struct recipe *r, struct err *e)
{
	if (r->has[RECIPE_BUILD]) {
		cleanup_free char *dockerfile = path_join(folder, r->build.dockerfile, e);
		int there = dockerfile ? path_exists(dockerfile, e) : -1;
		if (there < 0)
			return -1;
		if (!there && checkout_find(c,
					    str_printf(e, "%s:%u: the Dockerfile '%s' is missing", path,
						       checkout_line(path, r->build.dockerfile), dockerfile),
					    e) < 0)
			return -1;
	}
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
	return check_needed(c, "images/build.sh", e) < 0 || check_needed(c, "images/seccomp.json", e) < 0 ? -1 : 0;
}
