#include "build/yielding.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/inputs.h"
#include "kernel/version.h"

struct yielding {
	const struct inputs *inputs;
	const struct distro *distro;
	struct strv to; /* names of those that took a kernel over */
	struct err *e;
	bool failed;
};

static const struct distro_inputs *find_chosen(const struct inputs *in, const char *name)
{
	for (size_t i = 0; i < in->chosen_count; i++)
		if (strcmp(in->chosen[i].distro->name, name) == 0)
			return &in->chosen[i];
	return NULL;
}

static int compare_id(const void *id, const void *kernel)
{
	return version_compare_natural(id, ((const struct kernel *)kernel)->id);
}

static bool is_taken_over(const struct kernel *kernel, void *context)
{
	struct yielding *y = context;
	for (size_t i = 0; i < y->distro->yields_to.len; i++) {
		const char *name = y->distro->yields_to.items[i];
		const struct distro_inputs *other = find_chosen(y->inputs, name);
		const struct kernel_set *set = other ? &other->kernels : NULL;
		if (!set || !set->count || !bsearch(kernel->id, set->kernels, set->count, sizeof(*set->kernels), compare_id))
			continue;
		if (!strv_has(&y->to, name) && strv_add(&y->to, name, y->e) < 0)
			y->failed = true;
		return true;
	}
	return false;
}

static int print_names(const struct strv *names, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < names->len; i++)
		if (buf_printf(out, e, "%s'%s'", i ? ", " : "", names->items[i]) < 0)
			return -1;
	return 0;
}

int inputs_yield(struct inputs *in, struct log *log, struct err *e)
{
	for (size_t i = 0; i < in->chosen_count; i++) {
		struct distro_inputs *chosen = &in->chosen[i];
		struct yielding y = { .inputs = in, .distro = chosen->distro, .e = e };
		cleanup_buf struct buf names = { 0 };
		size_t count = chosen->distro->yields_to.len ? kernel_set_remove(&chosen->kernels, is_taken_over, &y) : 0;
		int result = y.failed ? -1 : print_names(&y.to, &names, e);
		strv_release(&y.to);
		if (result < 0)
			return -1;
		if (count)
			log_printf(log, LOG_INFO, "%zu of the kernels of '%s' are those of %s too, and stand there", count,
				   chosen->distro->name, buf_text(&names));
	}
	return 0;
}
