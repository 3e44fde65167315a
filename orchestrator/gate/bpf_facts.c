#include "gate/bpf_facts.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct name {
	const char *name, *identifier;
};

static const struct name programs[] = {
	{ "action", "BPF_PROG_TYPE_SCHED_ACT" },
	{ "cgroup/bind4", "BPF_CGROUP_INET4_BIND" },
	{ "cgroup/bind6", "BPF_CGROUP_INET6_BIND" },
	{ "cgroup/connect4", "BPF_CGROUP_INET4_CONNECT" },
	{ "cgroup/connect6", "BPF_CGROUP_INET6_CONNECT" },
	{ "cgroup/connect_unix", "BPF_CGROUP_UNIX_CONNECT" },
	{ "cgroup/dev", "BPF_PROG_TYPE_CGROUP_DEVICE" },
	{ "cgroup/getpeername4", "BPF_CGROUP_INET4_GETPEERNAME" },
	{ "cgroup/getpeername6", "BPF_CGROUP_INET6_GETPEERNAME" },
	{ "cgroup/getpeername_unix", "BPF_CGROUP_UNIX_GETPEERNAME" },
	{ "cgroup/getsockname4", "BPF_CGROUP_INET4_GETSOCKNAME" },
	{ "cgroup/getsockname6", "BPF_CGROUP_INET6_GETSOCKNAME" },
	{ "cgroup/getsockname_unix", "BPF_CGROUP_UNIX_GETSOCKNAME" },
	{ "cgroup/getsockopt", "BPF_CGROUP_GETSOCKOPT" },
	{ "cgroup/post_bind4", "BPF_CGROUP_INET4_POST_BIND" },
	{ "cgroup/post_bind6", "BPF_CGROUP_INET6_POST_BIND" },
	{ "cgroup/recvmsg4", "BPF_CGROUP_UDP4_RECVMSG" },
	{ "cgroup/recvmsg6", "BPF_CGROUP_UDP6_RECVMSG" },
	{ "cgroup/recvmsg_unix", "BPF_CGROUP_UNIX_RECVMSG" },
	{ "cgroup/sendmsg4", "BPF_CGROUP_UDP4_SENDMSG" },
	{ "cgroup/sendmsg6", "BPF_CGROUP_UDP6_SENDMSG" },
	{ "cgroup/sendmsg_unix", "BPF_CGROUP_UNIX_SENDMSG" },
	{ "cgroup/setsockopt", "BPF_CGROUP_SETSOCKOPT" },
	{ "cgroup/skb", "BPF_PROG_TYPE_CGROUP_SKB" },
	{ "cgroup/sock", "BPF_PROG_TYPE_CGROUP_SOCK" },
	{ "cgroup/sock_create", "BPF_PROG_TYPE_CGROUP_SOCK" },
	{ "cgroup/sock_release", "BPF_CGROUP_INET_SOCK_RELEASE" },
	{ "cgroup/sysctl", "BPF_PROG_TYPE_CGROUP_SYSCTL" },
	{ "cgroup_skb", "BPF_PROG_TYPE_CGROUP_SKB" },
	{ "classifier", "BPF_PROG_TYPE_SCHED_CLS" },
	{ "fentry", "BPF_TRACE_FENTRY" },
	{ "fentry.s", "BPF_F_SLEEPABLE" },
	{ "fexit", "BPF_TRACE_FEXIT" },
	{ "fexit.s", "BPF_F_SLEEPABLE" },
	{ "flow_dissector", "BPF_PROG_TYPE_FLOW_DISSECTOR" },
	{ "fmod_ret", "BPF_MODIFY_RETURN" },
	{ "fmod_ret.s", "BPF_F_SLEEPABLE" },
	{ "freplace", "BPF_PROG_TYPE_EXT" },
	{ "fsession", "BPF_TRACE_FSESSION" },
	{ "fsession.s", "BPF_TRACE_FSESSION" },
	{ "iter", "BPF_TRACE_ITER" },
	{ "iter.s", "BPF_TRACE_ITER" },
	{ "kprobe", "BPF_PROG_TYPE_KPROBE" },
	{ "kprobe.multi", "BPF_TRACE_KPROBE_MULTI" },
	{ "kprobe.session", "BPF_TRACE_KPROBE_SESSION" },
	{ "kretprobe", "BPF_PROG_TYPE_KPROBE" },
	{ "kretprobe.multi", "BPF_TRACE_KPROBE_MULTI" },
	{ "kretsyscall", "BPF_PROG_TYPE_KPROBE" },
	{ "ksyscall", "BPF_PROG_TYPE_KPROBE" },
	{ "lirc_mode2", "BPF_PROG_TYPE_LIRC_MODE2" },
	{ "lsm", "BPF_PROG_TYPE_LSM" },
	{ "lsm.s", "BPF_F_SLEEPABLE" },
	{ "lsm_cgroup", "BPF_LSM_CGROUP" },
	{ "lwt_in", "BPF_PROG_TYPE_LWT_IN" },
	{ "lwt_out", "BPF_PROG_TYPE_LWT_OUT" },
	{ "lwt_seg6local", "BPF_PROG_TYPE_LWT_SEG6LOCAL" },
	{ "lwt_xmit", "BPF_PROG_TYPE_LWT_XMIT" },
	{ "netfilter", "BPF_PROG_TYPE_NETFILTER" },
	{ "netkit/peer", "BPF_NETKIT_PEER" },
	{ "netkit/primary", "BPF_NETKIT_PRIMARY" },
	{ "perf_event", "BPF_PROG_TYPE_PERF_EVENT" },
	{ "raw_tp", "BPF_PROG_TYPE_RAW_TRACEPOINT" },
	{ "raw_tp.w", "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE" },
	{ "raw_tracepoint", "BPF_PROG_TYPE_RAW_TRACEPOINT" },
	{ "raw_tracepoint.w", "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE" },
	{ "sk_lookup", "BPF_PROG_TYPE_SK_LOOKUP" },
	{ "sk_msg", "BPF_PROG_TYPE_SK_MSG" },
	{ "sk_reuseport", "BPF_PROG_TYPE_SK_REUSEPORT" },
	{ "sk_skb", "BPF_PROG_TYPE_SK_SKB" },
	{ "socket", "BPF_PROG_TYPE_SOCKET_FILTER" },
	{ "sockops", "BPF_PROG_TYPE_SOCK_OPS" },
	{ "struct_ops", "BPF_PROG_TYPE_STRUCT_OPS" },
	{ "struct_ops.s", "BPF_PROG_TYPE_STRUCT_OPS" },
	{ "syscall", "BPF_PROG_TYPE_SYSCALL" },
	{ "tc", "BPF_PROG_TYPE_SCHED_CLS" },
	{ "tcx", "BPF_TCX_INGRESS" },
	{ "tp", "BPF_PROG_TYPE_TRACEPOINT" },
	{ "tp_btf", "BPF_TRACE_RAW_TP" },
	{ "tracepoint", "BPF_PROG_TYPE_TRACEPOINT" },
	{ "uprobe", "BPF_PROG_TYPE_KPROBE" },
	{ "uprobe.multi", "BPF_TRACE_UPROBE_MULTI" },
	{ "uprobe.multi.s", "BPF_TRACE_UPROBE_MULTI" },
	{ "uprobe.s", "BPF_F_SLEEPABLE" },
	{ "uprobe.session", "BPF_TRACE_UPROBE_SESSION" },
	{ "uprobe.session.s", "BPF_TRACE_UPROBE_SESSION" },
	{ "uretprobe", "BPF_PROG_TYPE_KPROBE" },
	{ "uretprobe.multi", "BPF_TRACE_UPROBE_MULTI" },
	{ "uretprobe.multi.s", "BPF_TRACE_UPROBE_MULTI" },
	{ "uretprobe.s", "BPF_F_SLEEPABLE" },
	{ "usdt", "BPF_PROG_TYPE_KPROBE" },
	{ "usdt.s", "BPF_F_SLEEPABLE" },
	{ "xdp", "BPF_PROG_TYPE_XDP" },
	{ "xdp.frags", "BPF_F_XDP_HAS_FRAGS" },
};

/* 5.2 gave programs the address of what a map holds, which is what loaders make of these sections. */
static const struct name data[] = {
	{ ".addr_space", "BPF_MAP_TYPE_ARENA" },      { ".bss", "BPF_PSEUDO_MAP_VALUE" },    { ".data", "BPF_PSEUDO_MAP_VALUE" },
	{ ".jumptables", "BPF_MAP_TYPE_INSN_ARRAY" }, { ".rodata", "BPF_PSEUDO_MAP_VALUE" },
};

/* The row whose name is the text's beginning, up to its end or the separator; the longest one. */
static const char *name_find(const struct name *rows, size_t count, const char *text, char separator)
{
	const char *found = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(rows[i].name);
		if (len < longest || !str_starts(text, rows[i].name) || (text[len] && text[len] != separator))
			continue;
		found = rows[i].identifier;
		longest = len;
	}
	return found;
}

const char *bpf_program_identifier(const char *section_name)
{
	return name_find(programs, ARRAY_LEN(programs), section_name + (*section_name == '?'), '/');
}

const char *bpf_data_identifier(const char *section_name)
{
	return name_find(data, ARRAY_LEN(data), section_name, '.');
}

#define MAP(name, sizes)                                                                                                           \
	{                                                                                                                          \
		"BPF_MAP_TYPE_" #name, BPF_SIZES_##sizes                                                                           \
	}

static const struct bpf_map_type map_types[] = {
	{ NULL, BPF_SIZES_ANY }, /* 0 */
	MAP(HASH, ANY),
	MAP(ARRAY, INDEX),
	MAP(PROG_ARRAY, INDEX),
	MAP(PERF_EVENT_ARRAY, INDEX),
	MAP(PERCPU_HASH, ANY), /* 5 */
	MAP(PERCPU_ARRAY, INDEX),
	MAP(STACK_TRACE, INDEX),
	MAP(CGROUP_ARRAY, INDEX),
	MAP(LRU_HASH, ANY),
	MAP(LRU_PERCPU_HASH, ANY), /* 10 */
	MAP(LPM_TRIE, ANY),
	MAP(ARRAY_OF_MAPS, INDEX),
	MAP(HASH_OF_MAPS, ANY),
	MAP(DEVMAP, INDEX),
	MAP(SOCKMAP, INDEX), /* 15 */
	MAP(CPUMAP, INDEX),
	MAP(XSKMAP, INDEX),
	MAP(SOCKHASH, ANY),
	MAP(CGROUP_STORAGE, ANY),
	MAP(REUSEPORT_SOCKARRAY, INDEX), /* 20 */
	MAP(PERCPU_CGROUP_STORAGE, ANY),
	MAP(QUEUE, ANY),
	MAP(STACK, ANY),
	MAP(SK_STORAGE, ANY),
	MAP(DEVMAP_HASH, INDEX), /* 25 */
	MAP(STRUCT_OPS, INDEX),
	MAP(RINGBUF, NONE),
	MAP(INODE_STORAGE, ANY),
	MAP(TASK_STORAGE, ANY),
	MAP(BLOOM_FILTER, ANY), /* 30 */
	MAP(USER_RINGBUF, NONE),
	MAP(CGRP_STORAGE, ANY),
	MAP(ARENA, NONE),
	MAP(INSN_ARRAY, INDEX),
	MAP(RHASH, ANY), /* 35 */
};

const struct bpf_map_type *bpf_map_type_find(uint32_t number)
{
	return number && number < ARRAY_LEN(map_types) ? &map_types[number] : NULL;
}

const char *bpf_gpl_helper(int32_t number)
{
	static const struct {
		int32_t number;
		const char *name;
	} rows[] = {
		{ 4, "probe_read" },
		{ 6, "trace_printk" },
		{ 22, "perf_event_read" },
		{ 25, "perf_event_output" },
		{ 27, "get_stackid" },
		{ 35, "get_current_task" },
		{ 36, "probe_write_user" },
		{ 45, "probe_read_str" },
		{ 55, "perf_event_read_value" },
		{ 56, "perf_prog_read_value" },
		{ 58, "override_return" },
		{ 67, "get_stack" },
		{ 112, "probe_read_user" },
		{ 113, "probe_read_kernel" },
		{ 114, "probe_read_user_str" },
		{ 115, "probe_read_kernel_str" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].number == number)
			return rows[i].name;
	return NULL;
}
