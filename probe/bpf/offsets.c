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
#include <net/inet_sock.h>
#include <net/sock.h>
#include <uapi/linux/bpf.h>

#define EMIT(name, value) asm volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define EMIT_OFFSET(name, type, member) EMIT(name, offsetof(type, member))

#if !IS_ENABLED(CONFIG_BPF_EVENTS)
#error "the kernel has no eBPF programs on probes and tracepoints"
#endif

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
