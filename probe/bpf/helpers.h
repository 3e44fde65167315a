/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few things of the eBPF environment that the probe uses, so that it needs
 * no headers but these. Numbers are the kernel's user-space interface (enum
 * bpf_func_id, enum bpf_map_type in linux/bpf.h; clone(2)) and never change.
 */
#ifndef COLLECTOR_BPF_HELPERS_H
#define COLLECTOR_BPF_HELPERS_H

#include <stdint.h>

#include "offsets.h"

#define SEC(name)     __attribute__((section(name), used))
#define inline_always static inline __attribute__((always_inline))

/* Maps in the section .maps: members that say type, size and so on by their types. */
#define MAP_NUMBER(name, value) int(*name)[value]
#define MAP_TYPE(name, type)	type *name

#define MAP_PERF_EVENT_ARRAY	4
#define MAP_PERCPU_ARRAY	6
#define MAP_RINGBUF		27

#define PERF_CURRENT_CPU	0xffffffffULL
#define CLONE_THREAD		0x00010000u
#define TCP_STATE_LISTEN	10

#define HAS_PROBE_READ_KERNEL	(HELPERS_END > 115)
#define HAS_RINGBUF		(HELPERS_END > 130)

#if HELPERS_END <= 45
#error "the kernel's eBPF is too old: no helper to read a string"
#endif

static void *(*const map_lookup)(const void *map, const void *key) = (void *)1;
static uint64_t (*const time_ns)(void) = (void *)5;
static uint32_t (*const cpu_number)(void) = (void *)8;
static uint64_t (*const current_pid_tgid)(void) = (void *)14;
static uint64_t (*const current_uid_gid)(void) = (void *)15;
static long (*const current_comm)(void *to, uint32_t size) = (void *)16;
static void *(*const current_task)(void) = (void *)35;

/* 4 and 45 read user memory too and are gone from some architectures; 113 and 115
 * came in 5.5. The string one returns the length with its NUL, or an error. */
#if HAS_PROBE_READ_KERNEL
static long (*const kernel_read)(void *to, uint32_t size, const void *from) = (void *)113;
static long (*const kernel_read_string)(void *to, uint32_t size, const void *from) = (void *)115;
#else
static long (*const kernel_read)(void *to, uint32_t size, const void *from) = (void *)4;
static long (*const kernel_read_string)(void *to, uint32_t size, const void *from) = (void *)45;
#endif

#if HAS_RINGBUF
static long (*const ringbuf_output)(const void *map, void *data, uint64_t size, uint64_t flags) = (void *)130;
#else
static long (*const perf_event_output)(void *context, const void *map, uint64_t flags, void *data, uint64_t size) = (void *)25;
#endif

#endif
