// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU rings. A ring has one writer, its CPU with interrupts off: the hooks
 * run in task context, at most an interrupt could come in between, and really
 * disabling interrupts (no lock) is right on PREEMPT_RT too. Copies are short:
 * a record is at most a page and a bit.
 *
 * The kernel believes only what it keeps in struct ring. Of the shared pages it
 * reads just the reader's tail, and place.h bounds what that can do.
 */
#include <linux/cred.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>

#include "collector.h"
#include "place.h"

struct ring {
	u32 head;
	u32 dropped;
	char *data;
	struct collector_ring_header *header;
	struct collector_ring_consumer *consumer;
};

static DEFINE_PER_CPU(struct ring, collector_ring);
static u32 data_size;
static bool recording;

static u32 ring_stride(void)
{
	return data_size + 2 * PAGE_SIZE;
}

static int ring_init(struct ring *r, unsigned int cpu)
{
	/* vmalloc_user(): zeroed, and remap_vmalloc_range() takes nothing else. */
	r->consumer = vmalloc_user(PAGE_SIZE);
	r->header = vmalloc_user(PAGE_SIZE + data_size);
	if (!r->consumer || !r->header)
		return -ENOMEM;
	r->data = (char *)r->header + PAGE_SIZE;
	r->header->magic = COLLECTOR_RING_MAGIC;
	r->header->version = COLLECTOR_RING_VERSION;
	r->header->event_version = COLLECTOR_EVENT_VERSION;
	r->header->cpu = cpu;
	r->header->cpus = nr_cpu_ids;
	r->header->data_size = data_size;
	r->header->header_offset = PAGE_SIZE;
	r->header->data_offset = 2 * PAGE_SIZE;
	r->header->stride = ring_stride();
	return 0;
}

int rings_init(unsigned int ring_pages)
{
	unsigned int cpu;
	int err;

	/* At least the longest record and as much padding before it; at most what
	 * file offsets and 32-bit counters bear. */
	ring_pages = clamp_t(unsigned int, ring_pages, 4, 1 << 14);
	data_size = roundup_pow_of_two(ring_pages) * PAGE_SIZE;
	for_each_possible_cpu(cpu)
	{
		err = ring_init(per_cpu_ptr(&collector_ring, cpu), cpu);
		if (err) {
			rings_release();
			return err;
		}
	}
	return 0;
}

void rings_release(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
	{
		struct ring *r = per_cpu_ptr(&collector_ring, cpu);

		vfree(r->consumer);
		vfree(r->header);
		memset(r, 0, sizeof(*r));
	}
}

void rings_start(void)
{
	unsigned int cpu;

	/* A hook that saw the last recording may still be writing: leave head
	 * to it and let the reader begin wherever that is. */
	for_each_possible_cpu(cpu)
	{
		struct ring *r = per_cpu_ptr(&collector_ring, cpu);

		memset(r->consumer, 0, PAGE_SIZE);
		WRITE_ONCE(r->consumer->tail, READ_ONCE(r->header->head));
	}
	WRITE_ONCE(recording, true);
}

void rings_stop(void)
{
	WRITE_ONCE(recording, false);
}

bool rings_recording(void)
{
	return READ_ONCE(recording);
}

bool rings_readable(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
	{
		struct ring *r = per_cpu_ptr(&collector_ring, cpu);

		if (READ_ONCE(r->header->head) != READ_ONCE(r->consumer->tail))
			return true;
	}
	return false;
}

int rings_map(struct vm_area_struct *vma)
{
	unsigned long stride_pages = ring_stride() >> PAGE_SHIFT;
	unsigned long cpu = vma->vm_pgoff / stride_pages;
	unsigned long first = vma->vm_pgoff % stride_pages;
	unsigned long count = (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
	struct ring *r;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -ENXIO;
	r = per_cpu_ptr(&collector_ring, cpu);
	if (first == 0)
		return count == 1 ? remap_vmalloc_range(vma, r->consumer, 0) : -EINVAL;
	if (count > stride_pages - first)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	/* No mprotect() to writable later. From 6.3 on (and in vendor kernels that
	 * took it over) vm_flags is the const view in a union and there are setters;
	 * before there are none. The area is not yet in use by anybody, so writing
	 * through a non-const pointer is what the setters do, on every version. */
	*(unsigned long *)&vma->vm_flags &= ~VM_MAYWRITE;
	return remap_vmalloc_range(vma, r->header, first - 1);
}

static void event_fill(struct collector_event *event, u32 size)
{
	event->size = size;
	event->version = COLLECTOR_EVENT_VERSION;
	event->time_ns = ktime_to_ns(ktime_get());
	event->pid = current->pid;
	event->tgid = current->tgid;
	event->uid = from_kuid_munged(&init_user_ns, current_uid());
	event->cpu = raw_smp_processor_id();
	/* get_task_comm() takes a lock that sleeps on PREEMPT_RT. */
	memcpy(event->comm, current->comm, sizeof(event->comm));
	event->comm[sizeof(event->comm) - 1] = '\0';
}

static void ring_publish(struct ring *r, u32 head)
{
	r->head = head;
	smp_wmb(); /* the record first; pairs with the reader's acquire */
	WRITE_ONCE(r->header->head, head);
}

void ring_write(struct collector_event *event, size_t size, const char *text, size_t text_size)
{
	u32 need = ALIGN(size + text_size, COLLECTOR_RECORD_ALIGN);
	struct ring_place place;
	unsigned long flags;
	struct ring *r;

	local_irq_save(flags);
	r = this_cpu_ptr(&collector_ring);
	if (ring_place_find(r->head, READ_ONCE(r->consumer->tail), data_size, need, &place)) {
		smp_mb(); /* the tail first, then what it frees; the reader releases */
		if (place.pad) {
			struct collector_event *pad = (void *)(r->data + place.pad_offset);

			pad->size = place.pad;
			pad->type = COLLECTOR_EVENT_PAD;
		}
		event_fill(event, need);
		memcpy(r->data + place.offset, event, size);
		if (text_size)
			memcpy(r->data + place.offset + size, text, text_size);
		ring_publish(r, r->head + place.pad + need);
	} else {
		WRITE_ONCE(r->header->dropped, ++r->dropped);
	}
	local_irq_restore(flags);
	device_wake();
}
