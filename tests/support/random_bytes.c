#include "random_bytes.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

char *random_bytes(size_t len, unsigned seed)
{
	unsigned char *bytes = malloc(len ? len : 1);
	uint64_t state = 0x9e3779b97f4a7c15u * (seed + 1);

	cr_assert_not_null(bytes);
	for (size_t i = 0; i < len; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (unsigned char)(state >> 56);
	}
	return (char *)bytes;
}
