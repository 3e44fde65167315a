#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/folder.h"
#include "lint/checkout.h"

static int check_distro(struct checkout *c, const char *path, const struct distro *distro, struct err *e)
{
	for (size_t i = 0; i < distro->yields_to.len; i++) {
		const char *other = distro->yields_to.items[i];
		const char *wrong = strcmp(other, distro->name) == 0 ? "is the distro itself"
				    : strv_has(&c->names, other)     ? NULL
								     : "is no distro";
		if (wrong &&
		    checkout_find(c,
				  str_printf(e, "%s:%u: yields-to: '%s' %s", path, checkout_line(path, "yields-to:"), other, wrong),
				  e) < 0)
			return -1;
	}
	for (size_t i = 0; i < distro->indexes.count; i++)
		if (checkout_keyring(c, path, distro->indexes.items[i].keyring, e) < 0)
			return -1;
	return 0;
}

int check_descriptors(struct checkout *c, struct err *e)
{
	cleanup_free char *dir = checkout_path(c, "distros", e);

	if (!dir || folder_names(dir, ".yaml", &c->names, e) < 0)
		return dir && e->kind == ERR_NOT_FOUND ? err_append(e, "is '%s' the checkout? --root says where it is", c->root)
						       : -1;
	c->distros.items = calloc(c->names.len + 1, sizeof(*c->distros.items));
	if (!c->distros.items)
		return err_no_memory(e);
	for (size_t i = 0; i < c->names.len; i++) {
		struct distro *distro = &c->distros.items[c->distros.count];
		cleanup_free char *path = str_printf(e, "%s/%s.yaml", dir, c->names.items[i]);
		if (!path)
			return -1;
		c->report->files++;
		cleanup_strv struct strv findings = { 0 };
		if (distro_check(path, distro, &findings, e) < 0) {
			if (checkout_blame_all(c, path, &findings, e) < 0)
				return -1;
			continue;
		}
		c->distros.count++;
		if (check_distro(c, path, distro, e) < 0)
			return -1;
	}
	return 0;
}
