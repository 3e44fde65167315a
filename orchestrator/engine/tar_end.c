#include "engine/tar_end.h"

#include <string.h>

enum { SIZE_AT = 124, SIZE_LEN = 12, TYPE_AT = 156, CHECKSUM_AT = 148, CHECKSUM_LEN = 8 };

/* Octal, or base-256 where the first bit is set (GNU). */
static uint64_t field_number(const char *field, size_t len)
{
	const unsigned char *p = (const unsigned char *)field;
	uint64_t value = 0;

	if (p[0] & 0x80) {
		for (size_t i = 1; i < len; i++)
			value = value << 8 | p[i];
		return value;
	}
	for (size_t i = 0; i < len; i++)
		if (p[i] >= '0' && p[i] <= '7')
			value = value << 3 | (uint64_t)(p[i] - '0');
		else if (p[i] != ' ')
			break;
	return value;
}

static bool checksum_right(const char *block)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LEN ? ' ' : (unsigned char)block[i];
	return sum == field_number(block + CHECKSUM_AT, CHECKSUM_LEN);
}

static bool all_zero(const char *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

static int take_header(struct tar_end *t, struct err *e)
{
	if (all_zero(t->block)) {
		t->zero_blocks++;
		return 0;
	}
	if (t->zero_blocks >= 2)
		return 0; /* whatever follows the marker is no part of the archive */
	t->zero_blocks = 0;
	if (!checksum_right(t->block))
		return err_set(e, ERR_CORRUPT, "the archive holds no tar header where one must stand");
	uint64_t size = field_number(t->block + SIZE_AT, SIZE_LEN);
	char type = t->block[TYPE_AT];
	if (type == 'x') {
		if (size > TAR_PAX_MAX)
			return err_set(e, ERR_CORRUPT, "the archive holds a pax header of %llu bytes", (unsigned long long)size);
		t->pax_left = size;
		t->record_len = 0;
		t->record_size = 0;
		t->has_pax_size = false;
	} else if (t->has_pax_size && type != 'L' && type != 'K') {
		size = t->pax_size;
		t->has_pax_size = false;
	}
	if (size > UINT64_MAX / 2)
		return err_set(e, ERR_CORRUPT, "the archive holds a member of %llu bytes", (unsigned long long)size);
	/* Links and directories have no body, though some writers give them a size. */
	t->body_left = type >= '1' && type <= '6' ? 0 : (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	return 0;
}

/* "30 size=8589934592\n" */
static void take_record(struct tar_end *t)
{
	const char *key = memchr(t->record, ' ', t->record_len < sizeof(t->record) ? t->record_len : sizeof(t->record));

	if (!key || t->record_len >= sizeof(t->record) || strncmp(key + 1, "size=", 5) != 0)
		return;
	uint64_t value = 0;
	for (const char *p = key + 6; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	t->pax_size = value;
	t->has_pax_size = true;
}

static int take_pax(struct tar_end *t, const char *bytes, size_t len, struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		if (t->record_len < sizeof(t->record) - 1) {
			t->record[t->record_len] = bytes[i];
			t->record[t->record_len + 1] = '\0';
		}
		t->record_len++;
		if (!t->record_size && bytes[i] == ' ') {
			for (const char *p = t->record; *p >= '0' && *p <= '9'; p++)
				t->record_size = t->record_size * 10 + (uint64_t)(*p - '0');
			if (t->record_size <= t->record_len)
				return err_set(e, ERR_CORRUPT, "the archive holds a broken pax header");
		}
		if (t->record_size && t->record_len == t->record_size) {
			take_record(t);
			t->record_len = 0;
			t->record_size = 0;
		}
	}
	return 0;
}

int tar_end_feed(struct tar_end *t, const void *bytes, size_t len, struct err *e)
{
	const char *p = bytes;

	while (len) {
		size_t n;
		if (t->body_left) {
			uint64_t most = t->pax_left ? t->pax_left : t->body_left;
			n = most < len ? (size_t)most : len;
			if (t->pax_left) {
				if (take_pax(t, p, n, e) < 0)
					return -1;
				t->pax_left -= n;
			}
			t->body_left -= n;
		} else {
			n = TAR_BLOCK - t->block_len < len ? TAR_BLOCK - t->block_len : len;
			memcpy(t->block + t->block_len, p, n);
			t->block_len += n;
			if (t->block_len == TAR_BLOCK) {
				t->block_len = 0;
				if (take_header(t, e) < 0)
					return -1;
			}
		}
		p += n;
		len -= n;
	}
	return 0;
}

int tar_end_finish(const struct tar_end *t, struct err *e)
{
	if (t->zero_blocks < 2 || t->body_left)
		return err_set(e, ERR_CORRUPT, "the archive was cut before its end");
	return 0;
}
