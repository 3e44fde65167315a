#include "base/cancel.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int cancel_init(struct cancel *c, struct err *e)
{
	atomic_init(&c->set, false);
	c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->event_fd < 0)
		return err_system(e, errno, "eventfd");
	return 0;
}

void cancel_release(struct cancel *c)
{
	if (c && c->event_fd >= 0) {
		close(c->event_fd);
		c->event_fd = -1;
	}
}

void cancel_set(struct cancel *c)
{
	int saved = errno;
	uint64_t one = 1;

	atomic_store(&c->set, true);
	/* The only failure is a counter that is full, which polls as readable just the same. */
	if (write(c->event_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

bool cancel_is_set(const struct cancel *c)
{
	return c && atomic_load(&c->set);
}

int cancel_check(const struct cancel *c, struct err *e)
{
	if (cancel_is_set(c))
		return err_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

int cancel_fd(const struct cancel *c)
{
	return c ? c->event_fd : -1;
}
