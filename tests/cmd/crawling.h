/* A crawl of a small checkout whose second distro has an index that is a file. */
#ifndef TESTS_CMD_CRAWLING_H
#define TESTS_CMD_CRAWLING_H

#include "program.h"

#define LIST_PATH      "supported-kernels/second.txt"
#define UNCRAWLED_PATH "supported-kernels/second-uncrawled.txt"
#define COUNTS_PATH    "supported-kernels/second.counts"
#define DIGESTS_PATH   "supported-kernels/second.digests"

/* The checkout's second distro gets an index: a JSON document in the checkout, whose packages lie beside it. options and more:
 * further lines of the descriptor, and of the index. Its list is emptied. */
void give_index(struct site *s, const char *options, const char *more);
/* numbers: of the kernels that the index lists, blanks between. */
void publish(struct site *s, const char *numbers);
/* What a file below the checkout has, as the numbers of its kernels. */
void expect_listed(struct site *s, const char *path, const char *numbers);
/* The text of a file below the checkout, "" for none. Caller frees. */
char *text_of(struct site *s, const char *path);
unsigned count_of(const char *text, const char *what);
/* Runs `crawl --progress plain WORDS...`; its exit code. */
int crawl(struct site *s, struct outcome *o, const char *const words[]);
#define CRAWL(s, o, ...) crawl(s, o, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

#endif
