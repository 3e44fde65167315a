#include "package/capture.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

const char *const capture_names[CAPTURE_COUNT] = {
	[CAPTURE_SYMVERS] = "Module.symvers",  [CAPTURE_CONFIG] = ".config",	  [CAPTURE_AUTO_CONF] = "auto.conf",
	[CAPTURE_UTSRELEASE] = "utsrelease.h", [CAPTURE_VERMAGIC] = "vermagic.h", [CAPTURE_BPF] = "bpf.h",
};

static const struct {
	const char *path;
	bool anywhere; /* a kernel's common headers are in a directory of their own with some distros */
} places[CAPTURE_COUNT] = {
	[CAPTURE_SYMVERS] = { "/Module.symvers", false },
	[CAPTURE_CONFIG] = { "/.config", false },
	[CAPTURE_AUTO_CONF] = { "/include/config/auto.conf", false },
	[CAPTURE_UTSRELEASE] = { "/include/generated/utsrelease.h", false },
	[CAPTURE_VERMAGIC] = { "/include/linux/vermagic.h", true },
	[CAPTURE_BPF] = { "/include/uapi/linux/bpf.h", true },
};

enum capture capture_of(const char *path, const char *build_dir)
{
	size_t dir_len = strlen(build_dir);
	bool inside = dir_len && strncmp(path, build_dir, dir_len) == 0 && path[dir_len] == '/';
	int which = 0;

	for (; which < CAPTURE_COUNT; which++) {
		if (inside && strcmp(path + dir_len, places[which].path) == 0)
			break;
		if (places[which].anywhere && str_ends(path, places[which].path) && !strstr(path, "/tools/"))
			break;
	}
	return (enum capture)which;
}

enum capture capture_find(const char *name)
{
	int which = 0;

	while (which < CAPTURE_COUNT && strcmp(capture_names[which], name) != 0)
		which++;
	return (enum capture)which;
}
