/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Collector's kernel module. process.c and tcp.c hook the kernel and hand
 * events to ring.c, which keeps one ring per CPU; main.c is the device that
 * user space maps the rings through. Nothing is recorded while nobody has the
 * device open.
 */
#ifndef COLLECTOR_MODULE_COLLECTOR_H
#define COLLECTOR_MODULE_COLLECTOR_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "../event.h"

/* Before 3.19 there is only ACCESS_ONCE, before 3.14 no acquire and release. */
#ifndef READ_ONCE
#define READ_ONCE(x) ACCESS_ONCE(x)
#endif
#ifndef WRITE_ONCE
#define WRITE_ONCE(x, value) (ACCESS_ONCE(x) = (value))
#endif

struct vm_area_struct;

/* ring_pages: data pages per CPU, rounded up to a power of two. */
int rings_init(unsigned int ring_pages);
void rings_release(void);

/* Switches recording; forgets what an earlier reader left behind. */
void rings_start(void);
void rings_stop(void);
bool rings_recording(void);

/* True when a ring holds something that its reader has not consumed. */
bool rings_readable(void);

/* Serves mmap() as event.h lays the file out. 0 or a negative errno. */
int rings_map(struct vm_area_struct *vma);

/*
 * Puts the record in this CPU's ring, or counts it as dropped. Any context but
 * NMI; never sleeps. Fills everything in `event` but type and flags. `event` has `size`
 * bytes with what follows it; `text` (may be NULL, `text_size` bytes) goes right
 * behind and is not aligned.
 */
void ring_write(struct collector_event *event, size_t size, const char *text, size_t text_size);

/* Wakes a reader in poll(); any context but NMI. */
void device_wake(void);

/* 0 or a negative errno; on failure nothing stays hooked. After *_unhook() no
 * handler runs any more. */
int process_hook(void);
void process_unhook(void);
int tcp_hook(void);
void tcp_unhook(void);

#endif
