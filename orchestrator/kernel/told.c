/* Kernels of which only the packages say what they are. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/group.h"
#include "kernel/group_rules.h"
#include "kernel/template.h"
#include "kernel/version.h"

const char *told_lookup(const void *kernel_telling, const char *name, size_t *ret_len)
{
	const struct kernel_telling *t = kernel_telling;
	const char *value = NULL;

	if (strcmp(name, "release") == 0)
		value = t ? t->release : "";
	else if (strcmp(name, "version") == 0)
		value = t ? t->version : "";
	else if (strcmp(name, "id") == 0)
		value = t ? t->listed->id : "";
	else if (strcmp(name, "package-version") == 0)
		value = t ? t->listed->packages[0].version : "";
	*ret_len = value ? strlen(value) : 0;
	return value;
}

void kernel_told_release(struct kernel *k)
{
	free(k->id);
	free(k->release);
	free(k->base);
	free(k->version);
	*k = (struct kernel){ 0 };
}

#define cleanup_told __attribute__((cleanup(kernel_told_release)))

static int check_name(const char *name, const char *what, struct err *e)
{
	if (kernel_name_is_safe(name) && name[0] >= '0' && name[0] <= '9')
		return 0;
	return err_set(e, ERR_CHECK, "its packages give it the %s '%.100s', which is no name for a kernel", what, name);
}

int kernel_tell(const struct group_rules *rules, const struct kernel *listed, const char *release, struct kernel *ret,
		struct err *e)
{
	cleanup_told struct kernel k = *listed;

	k.id = NULL;
	k.release = str_dup(release, e);
	k.base = str_dup(release, e);
	k.version = version_leading(release, e);
	if (!k.release || !k.base || !k.version || check_name(release, "release", e) < 0)
		return -1;
	const struct kernel_telling telling = { .listed = listed, .release = k.release, .version = k.version };
	k.id = rules->told_id ? template_expand(rules->told_id, told_lookup, &telling, e) : str_dup(release, e);
	if (!k.id || check_name(k.id, "name", e) < 0)
		return -1;
	*ret = k;
	k = (struct kernel){ 0 };
	return 0;
}
