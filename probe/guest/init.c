// SPDX-License-Identifier: MIT
/*
 * The only program of a guest: boots as /init, tries the objects that lie beside it, says
 * on the second serial line how that went (tap.h), and turns the machine off.
 *
 * /expect has a line for each object, in order: `KIND PATH events` or `KIND PATH load`.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kind.h"
#include "log.h"
#include "tap.h"

static void mount_all(void)
{
	static const struct {
		const char *type, *place;
		bool needed;
	} mounts[] = {
		{ "devtmpfs", "/dev", true },
		{ "proc", "/proc", true },
		{ "sysfs", "/sys", true },
		{ "tracefs", "/sys/kernel/tracing", false },
		{ "debugfs", "/sys/kernel/debug", false },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].place, 0755);
		if (mount(mounts[i].type, mounts[i].place, mounts[i].type, 0, NULL) != 0 && mounts[i].needed && errno != EBUSY)
			fprintf(stderr, "init: mounting %s: %s\n", mounts[i].place, strerror(errno));
	}
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		tap_failed("scene", "loopback", errno);
	if (fd >= 0)
		close(fd);
}

static void try_object(const char *kind, const char *path, bool events)
{
	static const struct {
		const char *kind;
		void (*try_it)(const char *path, bool events);
	} kinds[] = { { "mod", mod_try }, { "bpf", bpf_try } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		tap_begin(kinds[i].kind);
		log_begin();
		kinds[i].try_it(path, events);
		log_report();
	}
}

static void try_all(void)
{
	char kind[8], path[64], what[8];
	FILE *f = fopen("/expect", "re");

	while (f && fscanf(f, "%7s %63s %7s", kind, path, what) == 3)
		try_object(kind, path, strcmp(what, "events") == 0);
	if (f)
		fclose(f);
	else
		tap_failed("expect", "/expect", errno);
}

int main(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], SCENE_PROGRAM) == 0)
		scene_subject();
	if (getpid() != 1) {
		fputs("init: to be booted with, not to be run\n", stderr);
		return 2;
	}
	mount_all();
	tap_open("/dev/ttyS1");
	loopback_up();
	try_all();
	tap_end();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	return 0;
}
