// SPDX-License-Identifier: GPL-2.0-only
/* exec, fork and exit, from the scheduler's tracepoints. */
#include <linux/binfmts.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <trace/events/sched.h>

/* struct signal_struct moved out of sched.h in 4.11, and a vendor kernel may have
 * moved it at any time; trace/events/sched.h does not promise to bring it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 11, 0)
#include <linux/sched/signal.h>
#endif

#include "collector.h"

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct collector_exec record = { .event.type = COLLECTOR_EVENT_EXEC };
	const char *path = bprm->filename;
	size_t length;

	if (!rings_recording())
		return;
	length = strnlen(path, COLLECTOR_PATH_MAX);
	if (length == COLLECTOR_PATH_MAX) {
		/* Not for execve(2), but a kernel caller may hand in anything. Leave it
		 * out: the record has to end in a NUL that we do not own. */
		record.event.flags = COLLECTOR_FLAG_TRUNCATED;
		path = "";
		length = 0;
	}
	record.path_size = length + 1;
	ring_write(&record.event, sizeof(record), path, length + 1);
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct collector_fork record = { .event.type = COLLECTOR_EVENT_FORK };

	if (!rings_recording() || child->pid != child->tgid)
		return;
	record.child_pid = child->pid;
	ring_write(&record.event, sizeof(record), NULL, 0);
}

static void exit_write(struct task_struct *task)
{
	struct collector_exit record = { .event.type = COLLECTOR_EVENT_EXIT };

	/* do_exit() has counted this thread out already: none left, the process ends. */
	if (!rings_recording() || atomic_read(&task->signal->live) != 0)
		return;
	record.status = task->exit_code;
	ring_write(&record.event, sizeof(record), NULL, 0);
}

static void __maybe_unused on_exit(void *data, struct task_struct *task)
{
	exit_write(task);
}

static void __maybe_unused on_exit_group(void *data, struct task_struct *task, bool group_dead)
{
	exit_write(task);
}

/*
 * The tracepoint header gives each event a function that takes exactly the probe
 * type that the event calls. So the signature is asked of the kernel at hand and
 * not of its version number, and one that we do not know fails to compile.
 */
typedef void (*exit_check_one)(void (*)(void *, struct task_struct *));
#define EXIT_PROBE                                                                                                                 \
	__builtin_choose_expr(__builtin_types_compatible_p(typeof(&check_trace_callback_type_sched_process_exit), exit_check_one), \
			      on_exit, on_exit_group)

static void probe_types_check(void)
{
	check_trace_callback_type_sched_process_exec(on_exec);
	check_trace_callback_type_sched_process_fork(on_fork);
	check_trace_callback_type_sched_process_exit(EXIT_PROBE);
}

static struct hook {
	const char *name;
	void *probe;
	struct tracepoint *point;
	bool hooked;
} hooks[] = {
	{ .name = "sched_process_exec", .probe = on_exec },
	{ .name = "sched_process_fork", .probe = on_fork },
	{ .name = "sched_process_exit", .probe = EXIT_PROBE },
};

/*
 * The three are not exported to modules, so they are found by name. Up to 3.14
 * the registration itself goes by name; 3.15 made it take the tracepoint and gave
 * modules the walk over all of them.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(3, 15, 0)
static void hook_match(struct tracepoint *point, void *priv)
{
	struct hook *h = priv;

	if (strcmp(point->name, h->name) == 0)
		h->point = point;
}

static int hook_register(struct hook *h)
{
	for_each_kernel_tracepoint(hook_match, h);
	if (!h->point)
		return -ENOENT;
	return tracepoint_probe_register(h->point, h->probe, NULL);
}

static void hook_unregister(struct hook *h)
{
	tracepoint_probe_unregister(h->point, h->probe, NULL);
}
#else
static int hook_register(struct hook *h)
{
	return tracepoint_probe_register(h->name, h->probe, NULL);
}

static void hook_unregister(struct hook *h)
{
	tracepoint_probe_unregister(h->name, h->probe, NULL);
}
#endif

int process_hook(void)
{
	size_t i;
	int err;

	probe_types_check();
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		err = hook_register(&hooks[i]);
		if (err) {
			pr_err("collector: no tracepoint '%s': %d\n", hooks[i].name, err);
			process_unhook();
			return err;
		}
		hooks[i].hooked = true;
	}
	return 0;
}

void process_unhook(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (hooks[i].hooked)
			hook_unregister(&hooks[i]);
		hooks[i].hooked = false;
	}
	tracepoint_synchronize_unregister();
}
