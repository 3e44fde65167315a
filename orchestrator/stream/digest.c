#include "stream/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct hasher {
	EVP_MD_CTX *context;
};

DEFINE_CLEANUP(hasher, struct hasher, hasher_free)

struct hasher *hasher_new(struct err *e)
{
	struct hasher *h = calloc(1, sizeof(*h));
	if (h)
		h->context = EVP_MD_CTX_new();
	if (!h || !h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
		hasher_free(h);
		err_no_memory(e);
		return NULL;
	}
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	free(h);
}

int hasher_update(struct hasher *h, const void *bytes, size_t len, struct err *e)
{
	if (EVP_DigestUpdate(h->context, bytes, len) != 1)
		return err_set(e, ERR_SYSTEM, "libcrypto: sha256 update failed");
	return 0;
}

int hasher_field(struct hasher *h, const void *bytes, size_t len, struct err *e)
{
	unsigned char size[8];

	for (int i = 0; i < 8; i++)
		size[i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
	if (hasher_update(h, size, sizeof(size), e) < 0)
		return -1;
	return hasher_update(h, bytes, len, e);
}

int hasher_text(struct hasher *h, const char *text, struct err *e)
{
	return hasher_field(h, text, strlen(text), e);
}

int hasher_finish(struct hasher *h, struct digest *ret, struct err *e)
{
	if (EVP_DigestFinal_ex(h->context, ret->bytes, NULL) != 1 || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_SYSTEM, "libcrypto: sha256 final failed");
	return 0;
}

int digest_of(const void *bytes, size_t len, struct digest *ret, struct err *e)
{
	if (EVP_Digest(bytes, len, ret->bytes, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_SYSTEM, "libcrypto: sha256 failed");
	return 0;
}

int digest_of_fd(int fd, struct digest *ret, uint64_t *ret_size, struct err *e)
{
	enum { CHUNK = 256 * 1024 };
	cleanup_of(hasher) struct hasher *h = hasher_new(e);
	cleanup_free char *chunk = malloc(CHUNK);
	off_t at = 0;

	if (!h)
		return -1;
	if (!chunk)
		return err_no_memory(e);
	for (;;) {
		ssize_t n = pread(fd, chunk, CHUNK, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading");
		if (n == 0)
			break;
		if (hasher_update(h, chunk, (size_t)n, e) < 0)
			return -1;
		at += n;
	}
	if (hasher_finish(h, ret, e) < 0)
		return -1;
	if (ret_size)
		*ret_size = (uint64_t)at;
	return 0;
}

void digest_hex(const struct digest *d, char ret[DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < DIGEST_BYTES; i++) {
		ret[2 * i] = digits[d->bytes[i] >> 4];
		ret[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	ret[DIGEST_HEX] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int digest_parse(const char *hex, struct digest *ret, struct err *e)
{
	struct digest d;

	if (strlen(hex) != DIGEST_HEX)
		return err_set(e, ERR_INPUT, "expected a sha256 of 64 hex digits, found '%.80s'", hex);
	for (int i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return err_set(e, ERR_INPUT, "expected a sha256 of 64 hex digits, found '%.80s'", hex);
		d.bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret = d;
	return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}
