/* Ownership by scope: a variable marked cleanup_* releases what it holds when it goes out of scope. Initialise where
 * declared; hand over with steal_ptr()/steal_fd(). */
#ifndef ORCHESTRATE_BASE_CLEANUP_H
#define ORCHESTRATE_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_fn(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define cleanup_free __attribute__((cleanup(cleanup_free_fn)))
/* For descriptors that were only read: a close that can lose data is called and checked by hand. */
#define cleanup_close  __attribute__((cleanup(cleanup_close_fn)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_fn)))

/* Declares `cleanup_of(name)` for `type *` variables from a destructor that takes NULL. */
#define DEFINE_CLEANUP(name, type, destructor)                                                                                     \
	static inline void cleanup_##name##_fn(type **p)                                                                           \
	{                                                                                                                          \
		if (*p)                                                                                                            \
			destructor(*p);                                                                                            \
	}

#define cleanup_of(name) __attribute__((cleanup(cleanup_##name##_fn)))

static inline void *steal_ptr_fn(void *p)
{
	void *taken = *(void **)p;
	*(void **)p = NULL;
	return taken;
}

#define steal_ptr(p) ((__typeof__(*(p)))steal_ptr_fn(p))

static inline int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
