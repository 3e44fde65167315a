// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP connect, accept and close. The state-change tracepoint (4.16 and up) fires in
 * whatever task the packet interrupts, so it can't say who; these functions run
 * in the task that acts, have kept their signatures since before 3.10, and are
 * called through pointers or from other files, so that they are always there:
 *
 *	tcp_connect(sk)			addresses and ports chosen, SYN not yet sent
 *	security_sock_graft(sk, sock)	accept() ties the new connection to its socket
 *	tcp_close(sk, timeout)		last descriptor closed
 *
 * A return probe on inet_csk_accept(), the usual choice, keeps an instance for every
 * thread that blocks in accept() and goes blind when they run out. It is taken only
 * where security hooks are not built in.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "collector.h"

#ifndef CONFIG_KRETPROBES
#error "the kernel has no kprobes and return probes: TCP can't be watched"
#endif

/* regs_get_kernel_argument() came in 4.20 and not for every architecture. */
static struct sock *first_argument(struct pt_regs *regs)
{
#if defined(CONFIG_X86_64)
	return (struct sock *)regs->di;
#elif defined(CONFIG_ARM64)
	return (struct sock *)regs->regs[0];
#else
#error "where does this architecture pass a function's first argument?"
#endif
}

static void addresses_fill(struct collector_tcp *record, const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	record->family = sk->sk_family;
	record->local_port = ntohs(inet->inet_sport);
	record->remote_port = ntohs(inet->inet_dport);
	if (sk->sk_family == AF_INET) {
		memcpy(record->local_address, &inet->inet_saddr, 4);
		memcpy(record->remote_address, &inet->inet_daddr, 4);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	/* 3.13 moved the addresses from ipv6_pinfo to the sock and named them so. */
#ifdef sk_v6_daddr
	memcpy(record->local_address, &sk->sk_v6_rcv_saddr, 16);
	memcpy(record->remote_address, &sk->sk_v6_daddr, 16);
#else
	memcpy(record->local_address, &inet6_sk(sk)->rcv_saddr, 16);
	memcpy(record->remote_address, &inet6_sk(sk)->daddr, 16);
#endif
#endif
}

static void tcp_write(const struct sock *sk, u16 type)
{
	struct collector_tcp record = { .event.type = type };

	if (!rings_recording() || !sk || sk->sk_protocol != IPPROTO_TCP)
		return;
	if (sk->sk_family != AF_INET && sk->sk_family != AF_INET6)
		return;
	/* Listeners and sockets that never had a peer are no connections. */
	if (sk->sk_state == TCP_LISTEN || inet_sk(sk)->inet_dport == 0)
		return;
	addresses_fill(&record, sk);
	ring_write(&record.event, sizeof(record), NULL, 0);
}

static int on_connect(struct kprobe *probe, struct pt_regs *regs)
{
	tcp_write(first_argument(regs), COLLECTOR_EVENT_TCP_CONNECT);
	return 0;
}

static int on_close(struct kprobe *probe, struct pt_regs *regs)
{
	tcp_write(first_argument(regs), COLLECTOR_EVENT_TCP_CLOSE);
	return 0;
}

static struct kprobe connect_probe = { .symbol_name = "tcp_connect", .pre_handler = on_connect };
static struct kprobe close_probe = { .symbol_name = "tcp_close", .pre_handler = on_close };

#ifdef CONFIG_SECURITY_NETWORK
static int on_accept(struct kprobe *probe, struct pt_regs *regs)
{
	tcp_write(first_argument(regs), COLLECTOR_EVENT_TCP_ACCEPT);
	return 0;
}

static struct kprobe accept_probe = {
	.symbol_name = "security_sock_graft",
	.pre_handler = on_accept,
};

static int accept_hook(void)
{
	return register_kprobe(&accept_probe);
}

static void accept_unhook(void)
{
	unregister_kprobe(&accept_probe);
}
#else
static int on_accept(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	tcp_write((const struct sock *)regs_return_value(regs), COLLECTOR_EVENT_TCP_ACCEPT);
	return 0;
}

static struct kretprobe accept_probe = {
	.kp.symbol_name = "inet_csk_accept",
	.handler = on_accept,
	.maxactive = 1024, /* threads that may block in accept() at once */
};

static int accept_hook(void)
{
	return register_kretprobe(&accept_probe);
}

static void accept_unhook(void)
{
	unregister_kretprobe(&accept_probe);
}
#endif

int tcp_hook(void)
{
	int err = register_kprobe(&connect_probe);

	if (err)
		goto out;
	err = register_kprobe(&close_probe);
	if (err)
		goto out_connect;
	err = accept_hook();
	if (err)
		goto out_close;
	return 0;
out_close:
	unregister_kprobe(&close_probe);
out_connect:
	unregister_kprobe(&connect_probe);
out:
	pr_err("collector: a TCP function can't be probed: %d\n", err);
	return err;
}

void tcp_unhook(void)
{
	accept_unhook();
	unregister_kprobe(&close_probe);
	unregister_kprobe(&connect_probe);
}
