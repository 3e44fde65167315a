#include "sign/crypto.h"

#include <stdio.h>

int crypto_err(struct err *e, enum err_kind kind, const char *text)
{
	/* The last one is where it surfaced; those before it are deeper, and more to the point. */
	unsigned long first = ERR_peek_error();
	char reason[200];

	if (first && ERR_reason_error_string(first))
		snprintf(reason, sizeof(reason), "%s", ERR_reason_error_string(first));
	else if (first)
		ERR_error_string_n(first, reason, sizeof(reason));
	else
		snprintf(reason, sizeof(reason), "libcrypto does not say why");
	ERR_clear_error();
	return err_set(e, kind, "%s: %s", text, reason);
}

int crypto_no_passphrase(char *bytes, int room, int writing, void *context)
{
	(void)bytes, (void)room, (void)writing, (void)context;
	return -1;
}

void crypto_print(char *ret, size_t room, const unsigned char *bytes, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < room; n++)
		ret[n] = bytes[n] >= 0x20 && bytes[n] < 0x7f ? (char)bytes[n] : '?';
	ret[n] = '\0';
}

void crypto_print_hex(char *ret, size_t room, const unsigned char *bytes, size_t len)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < len && n + 4 <= room; i++)
		n += (size_t)snprintf(ret + n, room - n, "%s%02X", i ? ":" : "", bytes[i]);
}
