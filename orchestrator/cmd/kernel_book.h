/* What the checkout knows about the kernel that a file is for. */
#ifndef ORCHESTRATE_CMD_KERNEL_BOOK_H
#define ORCHESTRATE_CMD_KERNEL_BOOK_H

#include "build/job.h"
#include "cmd/context.h"

struct kernel_book;

/* Reads descriptors and lists. Where --root is no checkout, the book is empty. */
must_check int kernel_book_open(struct context *c, struct kernel_book **ret, struct err *e);
/* NULL is fine. */
void kernel_book_close(struct kernel_book *b);
DEFINE_CLEANUP(kernel_book, struct kernel_book, kernel_book_close)

/* The kernel whose id ends the file's name, before `suffix` and behind a dash: "probe-<id>.ko.gz". With its facts where they are
 * known or can be read off packages in the cache (job->has_facts). 1 found, 0 not in the lists. Released by the caller
 * (job_release); lives as long as the book. */
must_check int kernel_book_find(struct kernel_book *b, const char *path, const char *suffix, struct job *ret, struct err *e);

#endif
