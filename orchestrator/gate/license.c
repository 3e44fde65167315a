#include "gate/license.h"

#include <string.h>

#include "base/cleanup.h"

bool license_is_gpl_compatible(const char *license)
{
	static const char *const compatible[] = {
		"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};

	for (size_t i = 0; i < ARRAY_LEN(compatible); i++)
		if (strcmp(license, compatible[i]) == 0)
			return true;
	return false;
}
