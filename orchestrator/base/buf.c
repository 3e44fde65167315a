#include "base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_release(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t extra, struct err *e)
{
	if (extra > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		return err_no_memory(e);
	size_t need = b->len + extra + 1;
	if (need <= b->room)
		return 0;
	size_t room = b->room ? b->room : 64;
	while (room < need)
		room *= 2;
	char *data = realloc(b->data, room);
	if (!data)
		return err_no_memory(e);
	data[b->len] = '\0';
	b->data = data;
	b->room = room;
	return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t len, struct err *e)
{
	if (buf_reserve(b, len, e) < 0)
		return -1;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *text, struct err *e)
{
	return buf_append(b, text, strlen(text), e);
}

int buf_printf(struct buf *b, struct err *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return err_system(e, errno, "formatting text");
	if (buf_reserve(b, (size_t)n, e) < 0)
		return -1;
	va_start(args, format);
	vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len > b->len)
		len = b->len;
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *text = b->data ? b->data : strdup("");
	*b = (struct buf){ 0 };
	return text;
}

char *str_printf(struct err *e, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		err_no_memory(e);
		return NULL;
	}
	return text;
}

char *str_dup(const char *text, struct err *e)
{
	char *copy = strdup(text);
	if (!copy)
		err_no_memory(e);
	return copy;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);
	return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

int str_to_u64(const char *text, unsigned long long max, unsigned long long *ret, struct err *e)
{
	unsigned long long value = 0;

	if (!*text)
		return err_set(e, ERR_USAGE, "expected a whole number, found nothing");
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return err_set(e, ERR_USAGE, "expected a whole number, found '%s'", text);
		unsigned long long digit = (unsigned long long)(*p - '0');
		if (value > (max - digit) / 10 || digit > max)
			return err_set(e, ERR_USAGE, "'%s' is more than %llu", text, max);
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

void strv_release(struct strv *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){ 0 };
}

int strv_take(struct strv *v, char *text, struct err *e)
{
	if (!text)
		return err_no_memory(e);
	if (v->len + 2 > v->room) {
		size_t room = v->room ? v->room * 2 : 8;
		char **items = reallocarray(v->items, room, sizeof(*items));
		if (!items) {
			free(text);
			return err_no_memory(e);
		}
		v->items = items;
		v->room = room;
	}
	v->items[v->len++] = text;
	v->items[v->len] = NULL;
	return 0;
}

int strv_add(struct strv *v, const char *text, struct err *e)
{
	return strv_take(v, strdup(text), e);
}

bool strv_has(const struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->len; i++)
		if (strcmp(v->items[i], text) == 0)
			return true;
	return false;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->len > 1)
		qsort(v->items, v->len, sizeof(*v->items), compare_items);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

size_t str_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t n = strlen(a), m = strlen(b), row[3][MAX];

	if (n >= MAX || m >= MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return row[n % 3][m];
}

const char *str_nearest(const char *text, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (; *words; words++) {
		size_t distance = str_distance(text, *words);
		if (distance < best_distance) {
			best = *words;
			best_distance = distance;
		}
	}
	return best && best_distance <= 1 + strlen(text) / 3 ? best : NULL;
}
