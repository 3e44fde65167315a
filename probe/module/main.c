// SPDX-License-Identifier: GPL-2.0-only
/* The device and the module's life. */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "collector.h"

static unsigned int ring_pages = 32;
module_param(ring_pages, uint, 0444);
MODULE_PARM_DESC(ring_pages, "data pages of each CPU's ring, rounded up to a power of two");

static DECLARE_WAIT_QUEUE_HEAD(readers);
static struct irq_work wake_work;
static atomic_t users = ATOMIC_INIT(0);

/* wake_up() takes a lock that may neither be taken in a probe (PREEMPT_RT) nor
 * while a hooked path holds who knows what; this runs later, outside of it. */
static void wake_readers(struct irq_work *work)
{
	wake_up_interruptible(&readers);
}

void device_wake(void)
{
	smp_mb(); /* head is out before we look; pairs with poll_wait()'s barrier */
	if (waitqueue_active(&readers))
		irq_work_queue(&wake_work);
}

/* One reader: tail has one writer. The file lives until its last mapping goes,
 * so a reader never shares the rings with a successor. */
static int collector_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&users, 0, 1) != 0)
		return -EBUSY;
	rings_start();
	return nonseekable_open(inode, file);
}

static int collector_release(struct inode *inode, struct file *file)
{
	rings_stop();
	atomic_set(&users, 0);
	return 0;
}

static int collector_mmap(struct file *file, struct vm_area_struct *vma)
{
	return rings_map(vma);
}

/* poll() returns unsigned int up to 4.15 and __poll_t from then on, which has no
 * macro to ask for: take the type from the table that it goes into. */
typedef typeof(((struct file_operations *)0)->poll((struct file *)0, (struct poll_table_struct *)0)) poll_mask_t;

static poll_mask_t collector_poll(struct file *file, struct poll_table_struct *table)
{
	poll_wait(file, &readers, table);
	smp_mb(); /* waiting before looking; pairs with device_wake() */
	return rings_readable() ? (__force poll_mask_t)(POLLIN | POLLRDNORM) : 0;
}

static const struct file_operations collector_fops = {
	.owner = THIS_MODULE,
	.open = collector_open,
	.release = collector_release,
	.mmap = collector_mmap,
	.poll = collector_poll,
};

static struct miscdevice collector_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "collector",
	.fops = &collector_fops,
	.mode = 0600,
};

static int __init collector_init(void)
{
	int err;

	init_irq_work(&wake_work, wake_readers);
	err = rings_init(ring_pages);
	if (err)
		return err;
	err = process_hook();
	if (err)
		goto out_rings;
	err = tcp_hook();
	if (err)
		goto out_process;
	err = misc_register(&collector_device);
	if (err)
		goto out_tcp;
	return 0;
out_tcp:
	tcp_unhook();
out_process:
	process_unhook();
out_rings:
	irq_work_sync(&wake_work);
	rings_release();
	return err;
}

static void __exit collector_exit(void)
{
	misc_deregister(&collector_device);
	tcp_unhook();
	process_unhook();
	irq_work_sync(&wake_work); /* nobody queues it any more */
	rings_release();
}

module_init(collector_init);
module_exit(collector_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reports process and TCP events through mapped per-CPU rings");
MODULE_AUTHOR("Collector");
MODULE_VERSION(COLLECTOR_MODULE_VERSION);
