#include "prove/machine.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/process.h"

enum { VERSION_OUTPUT_MAX = 4096 };

/* No display; two processors, since probes keep things per processor. SMEP and SMAP make the kernel notice when it is led to user
 * space. Without CMPXCHG16B, after which QEMU 7.2 leaves rubbish in the flags, trap flag included, so that a kernel whose allocator
 * uses it dies at random; kernels have another way where there is none. */
static const char *const amd64_words[] = { "-machine", "pc", "-cpu", "qemu64,+smep,+smap,-cx16", "-smp", "2", NULL };

static const struct machine machines[] = {
	{ .arch = "amd64", .program = "qemu-system-x86_64", .words = amd64_words, .console = "ttyS0" },
};

const struct machine *machine_find(const struct arch *arch, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (strcmp(machines[i].arch, arch->name) == 0)
			return &machines[i];
	err_set(e, ERR_NOT_FOUND, "there are no guests of architecture '%s'", arch->name);
	return NULL;
}

int machine_version(const struct machine *m, const struct cancel *cancel, char **ret, struct err *e)
{
	static const char mark[] = "version ";
	const char *const argv[] = { m->program, "--version", NULL };
	cleanup_buf struct buf out = { 0 };

	if (process_run(argv, NULL, VERSION_OUTPUT_MAX, &out, cancel, e) < 0)
		return e->kind == ERR_NOT_FOUND ? err_append(e, "install QEMU (ci/setup does)") : -1;
	const char *at = strstr(buf_text(&out), mark);
	at = at ? at + strlen(mark) : "?";
	*ret = str_printf(e, "QEMU %.*s", (int)strspn(at, "0123456789.?"), at);
	return *ret ? 0 : -1;
}

/* Hardware that has virtual machines says so in one of the first lines; emulations of /dev/kvm without it are slow or broken. */
static bool processor_has_it(void)
{
	cleanup_fclose FILE *f = fopen("/proc/cpuinfo", "re");
	char word[64];

	while (f && fscanf(f, "%63s", word) == 1)
		if (strcmp(word, "vmx") == 0 || strcmp(word, "svm") == 0)
			return true;
	return false;
}

bool machine_has_kvm(void)
{
	cleanup_close int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (device < 0 || ioctl(device, KVM_GET_API_VERSION, 0) != KVM_API_VERSION || !processor_has_it())
		return false;
	cleanup_close int guest = ioctl(device, KVM_CREATE_VM, 0);
	return guest >= 0;
}
