// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the eBPF probe has to know about the kernel that it is built for. Never
 * run: compiled to assembly by the kernel's build, which leaves a "->NAME value"
 * for every line here. What a kernel was really given counts, not its version:
 * vendors backport.
 */
#include <linux/kconfig.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 11, 0) /* split out of sched.h */
#include <linux/sched/signal.h>
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 2, 0) /* renamed */
#include <linux/trace_events.h>
#else
#include <linux/ftrace_event.h>
#endif
#include <net/inet_sock.h>
#include <net/sock.h>
#include <uapi/linux/bpf.h>

#define EMIT(name, value)		asm volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define EMIT_OFFSET(name, type, member) EMIT(name, offsetof(type, member))

#if !IS_ENABLED(CONFIG_BPF_EVENTS)
#error "the kernel has no eBPF programs on probes and tracepoints"
#endif

/*
 * A tracepoint's program gets the event as the trace buffer has it. What all events
 * begin with differs (PREEMPT_RT patches add to it) and fields change their type, so
 * the event's own definition is read with macros that make a struct of it.
 */
#undef TRACE_EVENT
#undef TP_STRUCT__entry
#undef __field
#undef __array
#undef __string
#define TP_STRUCT__entry(fields...) fields
#define __field(type, name)	    type name;
#define __array(type, name, length) type name[length];
#define __string(name, source)	    u32 name;
#define TRACE_EVENT(event, proto, args, fields, assign, print)                                                                     \
	struct event_##event {                                                                                                     \
		struct trace_entry common;                                                                                         \
		fields                                                                                                             \
	};
#define TRACE_HEADER_MULTI_READ
#include <trace/events/task.h>

/* Its header has too many kinds of events for that; this is how it starts. */
struct event_sched_process_exec {
	struct trace_entry common;
	u32 filename;
};

void collector_offsets(void);

void collector_offsets(void)
{
	EMIT(KERNEL_VERSION_CODE, LINUX_VERSION_CODE);
	/* Helper numbers are given out in turn: a kernel has all below this one. */
	EMIT(HELPERS_END, __BPF_FUNC_MAX_ID);
#if defined(CONFIG_X86_64)
	EMIT_OFFSET(REGS_ARGUMENT, struct pt_regs, di);
	EMIT_OFFSET(REGS_RESULT, struct pt_regs, ax);
#elif defined(CONFIG_ARM64)
	EMIT_OFFSET(REGS_ARGUMENT, struct pt_regs, regs[0]);
	EMIT_OFFSET(REGS_RESULT, struct pt_regs, regs[0]);
#else
#error "where does this architecture pass a function's first argument?"
#endif
	EMIT_OFFSET(EXEC_FILENAME, struct event_sched_process_exec, filename);
	EMIT_OFFSET(NEWTASK_PID, struct event_task_newtask, pid);
	EMIT_OFFSET(NEWTASK_FLAGS, struct event_task_newtask, clone_flags);
	EMIT_OFFSET(TASK_SIGNAL, struct task_struct, signal);
	EMIT_OFFSET(TASK_EXIT_CODE, struct task_struct, exit_code);
	EMIT_OFFSET(SIGNAL_LIVE, struct signal_struct, live);
	EMIT_OFFSET(SOCK_FAMILY, struct sock, sk_family);
	EMIT_OFFSET(SOCK_STATE, struct sock, sk_state);
	EMIT_OFFSET(SOCK_PROTO, struct sock, sk_prot);
	EMIT_OFFSET(PROTO_NAME, struct proto, name);
	EMIT_OFFSET(INET_LOCAL_ADDRESS, struct inet_sock, inet_saddr);
	EMIT_OFFSET(INET_REMOTE_ADDRESS, struct inet_sock, inet_daddr);
	EMIT_OFFSET(INET_LOCAL_PORT, struct inet_sock, inet_sport);
	EMIT_OFFSET(INET_REMOTE_PORT, struct inet_sock, inet_dport);
#if IS_ENABLED(CONFIG_IPV6)
	EMIT(HAS_IPV6, 1);
	EMIT_OFFSET(SOCK_LOCAL_ADDRESS6, struct sock, sk_v6_rcv_saddr);
	EMIT_OFFSET(SOCK_REMOTE_ADDRESS6, struct sock, sk_v6_daddr);
#else
	EMIT(HAS_IPV6, 0);
#endif
#ifdef CONFIG_SECURITY_NETWORK
	EMIT(HAS_SOCK_GRAFT, 1);
#else
	EMIT(HAS_SOCK_GRAFT, 0);
#endif
}
