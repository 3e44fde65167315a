/* Looking at directories and files as a test wants to. Everything fails the test when it can't. */
#ifndef TESTS_INTEGRATION_TREE_H
#define TESTS_INTEGRATION_TREE_H

#include <stdbool.h>

#include "base/buf.h"

/* printf to a new string. Caller frees. */
char *text_of(const char *format, ...) printf_like(1, 2);
/* Appends text with each occurrence of a word as another. */
void text_replace(const char *text, const char *word, const char *with, struct buf *ret);
/* The paths of all files below dir, relative, sorted. No such directory: none. */
void tree_list(const char *dir, struct strv *ret);
/* cr_expects that just these files are below dir: names end with NULL, in any order. */
void tree_expect(const char *dir, const char *const names[]);
/* cr_expects the same files with the same bytes. */
void tree_expect_equal(const char *a, const char *b);
/* cr_expects that no file below dir is one in the making. */
void tree_expect_nothing_partial(const char *dir);
void tree_copy(const char *from, const char *to);

void file_put(const char *dir, const char *name, const char *text);
void file_bytes(const char *path, struct buf *ret);
bool file_is_there(const char *path);
/* The whole of one gzip member, with nothing behind it. */
void file_gunzip(const char *path, struct buf *ret);

#endif
