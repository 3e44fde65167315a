/* libFuzzer: any bytes as a signed module, and as the message of one. Corpus: tests/data/sign/signature-corpus. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sign/certificate.h"
#include "sign/trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct certificate *certificate(void)
{
	static struct certificate *loaded;
	struct err e;

	if (!loaded && certificate_load("tests/data/sign/certificate.pem", &loaded, &e) < 0)
		abort();
	return loaded;
}

static void check(const void *bytes, size_t len)
{
	struct signature s;
	struct err e;

	if (signature_check(certificate(), bytes, len, &s, &e) < 0)
		return;
	/* What is good is described, and what is bad has a reason. */
	if ((s.state == SIGNATURE_GOOD && !s.hash) || (s.state == SIGNATURE_BAD && !s.reason[0]))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	cleanup_buf struct buf module = { 0 };
	struct trailer t;
	struct err e;
	size_t stripped;

	check(bytes, len);
	if (trailer_find(bytes, len, &t, &e) == 1 && t.module_len + t.signature_len >= len)
		abort();
	if (trailer_strip(bytes, len, &stripped, &e) == 0 && stripped > len)
		abort();
	/* Once more as the message itself, or luck alone would have to find the lengths. */
	if (buf_puts(&module, "module", &e) == 0 && trailer_append(&module, bytes, len, &e) == 0)
		check(module.data, module.len);
	return 0;
}
