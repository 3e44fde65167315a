/* Growing byte buffer and list of strings. */
#ifndef ORCHESTRATE_BASE_BUF_H
#define ORCHESTRATE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Embedded; {0} is empty. data is NUL-terminated whenever it is not NULL (the NUL is not counted in len). */
struct buf {
	char *data;
	size_t len, room;
};

void buf_release(struct buf *b);
void buf_clear(struct buf *b);
/* Makes room for `extra` more bytes. */
must_check int buf_reserve(struct buf *b, size_t extra, struct err *e);
must_check int buf_append(struct buf *b, const void *bytes, size_t len, struct err *e);
must_check int buf_puts(struct buf *b, const char *text, struct err *e);
must_check int buf_printf(struct buf *b, struct err *e, const char *format, ...) printf_like(3, 4);
/* Drops `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);
/* The text, never NULL. Borrowed, until the next change. */
const char *buf_text(const struct buf *b);
/* Hands the allocated text over (free()); the buffer is empty after it. NULL only when out of memory. */
char *buf_steal(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_release)))

/* Formats into a new string; NULL when out of memory (then *e is set). Caller frees. */
char *str_printf(struct err *e, const char *format, ...) printf_like(2, 3);
/* strdup that fills *e. */
char *str_dup(const char *text, struct err *e);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* Whole-number parse, decimal, no sign, no blanks, the whole text, at most max. */
must_check int str_to_u64(const char *text, unsigned long long max, unsigned long long *ret, struct err *e);

/* List of owned strings. {0} is empty. items is NULL-terminated when not NULL, so it serves as an argv. */
struct strv {
	char **items;
	size_t len, room;
};

void strv_release(struct strv *v);
/* Copies text. */
must_check int strv_add(struct strv *v, const char *text, struct err *e);
/* Takes text over, also on failure. NULL text (a failed str_printf) is -1. */
must_check int strv_take(struct strv *v, char *text, struct err *e);
bool strv_has(const struct strv *v, const char *text);
/* Bytewise order. */
void strv_sort(struct strv *v);

#define cleanup_strv __attribute__((cleanup(strv_release)))

/* Edit distance with adjacent swaps (Damerau-Levenshtein, optimal string alignment), for `did you mean`. Texts longer than 63 bytes
 * give SIZE_MAX. */
size_t str_distance(const char *a, const char *b);
/* The word of a NULL-terminated table that is nearest to text, or NULL if none is near enough to suggest. */
const char *str_nearest(const char *text, const char *const *words);

#endif
