#include "sign/trailer.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

/* In the order of the bytes; signature_len is big-endian. */
struct module_signature {
	uint8_t algorithm, hash; /* 0: the CMS message says it, as all of the next */
	uint8_t id_type;
	uint8_t signer_len, key_id_len;
	uint8_t pad[3];
	uint32_t signature_len;
};

enum { ID_TYPE_PKCS7 = 2 };

static const char magic[] = "~Module signature appended~\n";
enum { MAGIC_LEN = sizeof(magic) - 1, TAIL_LEN = sizeof(struct module_signature) + MAGIC_LEN };
_Static_assert(sizeof(struct module_signature) == 12, "as the kernel has it");

int trailer_find(const void *bytes, size_t len, struct trailer *ret, struct err *e)
{
	static const struct module_signature cms = { .id_type = ID_TYPE_PKCS7 };
	struct module_signature found;
	const char *end = (const char *)bytes + len;

	if (len < MAGIC_LEN || memcmp(end - MAGIC_LEN, magic, MAGIC_LEN) != 0)
		return 0;
	if (len < TAIL_LEN)
		return err_set(e, ERR_CORRUPT, "its signature is damaged: nothing stands before the magic text");
	memcpy(&found, end - TAIL_LEN, sizeof(found));
	size_t signature_len = ntohl(found.signature_len);
	found.signature_len = 0;
	if (found.id_type != ID_TYPE_PKCS7)
		return err_set(e, ERR_CORRUPT, "its signature is of type %u, not a CMS message (%d)", found.id_type, ID_TYPE_PKCS7);
	if (memcmp(&found, &cms, sizeof(found)) != 0)
		return err_set(e, ERR_CORRUPT, "its signature is damaged: fields are set that must be 0");
	if (signature_len == 0 || signature_len > SIGNATURE_BYTES_MAX || signature_len >= len - TAIL_LEN)
		return err_set(e, ERR_CORRUPT, "its signature is damaged: a length of %zu bytes", signature_len);
	*ret = (struct trailer){ .module_len = len - TAIL_LEN - signature_len, .signature_len = signature_len };
	return 1;
}

int trailer_strip(const void *bytes, size_t len, size_t *ret_len, struct err *e)
{
	struct trailer t = { 0 };
	int rc;

	while ((rc = trailer_find(bytes, len, &t, e)) == 1)
		len = t.module_len;
	if (rc == 0)
		*ret_len = len;
	return rc;
}

int trailer_append(struct buf *module, const void *signature, size_t len, struct err *e)
{
	const struct module_signature tail = { .id_type = ID_TYPE_PKCS7, .signature_len = htonl((uint32_t)len) };

	if (len == 0 || len > SIGNATURE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "a signature of %zu bytes", len);
	if (buf_append(module, signature, len, e) < 0 || buf_append(module, &tail, sizeof(tail), e) < 0)
		return -1;
	return buf_append(module, magic, MAGIC_LEN, e);
}
