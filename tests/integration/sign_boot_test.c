/* A distribution's own kernel that enforces signatures (module.sig_enforce=1), in QEMU under UEFI: the key stands in the firmware's
 * `db`, from where such kernels take keys for modules. The guest puts it there itself, while the firmware has no platform key yet
 * and so takes it from anybody, and boots once more. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../sign/key_pair.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "probes.h"
#include "site.h"
#include "tree.h"
#include "work.h"

TestSuite(sign_boot, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

static const char guest[] =
	"#!/bin/busybox sh\n"
	"b=/bin/busybox\n"
	"$b mount -t proc proc /proc; $b mount -t sysfs sys /sys\n"
	"if ! $b grep -q boot-key: /proc/keys; then\n"
	"	$b insmod /efivarfs.ko; $b mount -t efivarfs none /sys/firmware/efi/efivars\n"
	"	$b dd if=/db of=/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f bs=65536 &&\n"
	"		echo 'guest: enrolled' && $b reboot -f\n"
	"	$b poweroff -f\n"
	"fi\n"
	"for m in unsigned other changed ours; do\n"
	"	if $b insmod /$m.ko; then echo \"guest: $m is loaded\"; $b rmmod hello; else echo \"guest: $m is refused\"; fi\n"
	"done\n"
	"echo \"guest: enforcing $($b cat /sys/module/module/parameters/sig_enforce), taint $($b cat /proc/sys/kernel/tainted)\"\n"
	"$b poweroff -f\n";

struct initramfs {
	struct archive *archive;
};

static void initramfs_open(struct initramfs *i, const char *path)
{
	i->archive = archive_write_new();
	cr_assert(i->archive);
	archive_write_set_format_cpio_newc(i->archive);
	archive_write_add_filter_gzip(i->archive);
	cr_assert_eq(archive_write_open_filename(i->archive, path), ARCHIVE_OK);
}

static void initramfs_add(struct initramfs *i, const char *name, mode_t mode, const void *bytes, size_t len)
{
	struct archive_entry *entry = archive_entry_new();

	cr_assert(entry);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)len);
	cr_assert_eq(archive_write_header(i->archive, entry), ARCHIVE_OK, "%s", archive_error_string(i->archive));
	cr_assert(!len || archive_write_data(i->archive, bytes, len) == (la_ssize_t)len);
	archive_entry_free(entry);
}

static void initramfs_add_file(struct initramfs *i, const char *name, const char *path)
{
	cleanup_buf struct buf bytes = { 0 };

	file_bytes(path, &bytes);
	initramfs_add(i, name, S_IFREG | 0755, bytes.data, bytes.len);
}

static void initramfs_close(struct initramfs *i)
{
	cr_assert_eq(archive_write_close(i->archive), ARCHIVE_OK);
	archive_write_free(i->archive);
}

/* The kernel's image package, from where this machine has its packages; unpacked. Caller frees the directory's name. */
static char *get_image(const char *kernel)
{
	struct site *s = site();
	cleanup_free char *package = text_of("linux-image-%s", kernel);
	const char *const known[] = { "apt-cache", "show", package, NULL };
	cleanup_strv struct strv files = { 0 };
	char *dir = text_of("%s/image", s->temp.path);
	struct err e;

	if (process_run(known, NULL, 1 << 20, NULL, NULL, &e) < 0)
		site_skip("this machine's package sources don't have '%s'", package);
	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	work_in(dir, NULL, "apt-get", "download", package, NULL);
	tree_list(dir, &files);
	cr_assert_eq(files.len, 1u);
	cleanup_free char *path = text_of("%s/%s", dir, files.items[0]);
	work("dpkg-deb", "-x", path, dir, NULL);
	return dir;
}

/* What the guest writes into the variable: its attributes (UEFI specification 8.2: non-volatile, at boot and run time,
 * authenticated by time), and the certificate as a signed list. */
static void add_db(struct initramfs *i, const struct key_pair *pair)
{
	struct site *s = site();
	cleanup_free char *list = text_of("%s/db.esl", s->temp.path), *update = text_of("%s/db.auth", s->temp.path);
	cleanup_buf struct buf bytes = { 0 }, variable = { 0 };
	struct err e;

	work("cert-to-efi-sig-list", pair->certificate, list, NULL);
	work("sign-efi-sig-list", "-k", pair->key, "-c", pair->certificate, "db", list, update, NULL);
	file_bytes(update, &bytes);
	cr_assert(buf_append(&variable, "\x27\0\0\0", 4, &e) == 0 && buf_append(&variable, bytes.data, bytes.len, &e) == 0);
	initramfs_add(i, "db", S_IFREG | 0600, variable.data, variable.len);
}

/* Signs the module by a program run of its own. Caller frees its path. */
static char *sign(const struct key_pair *pair, const char *module, const char *dir)
{
	struct site *s = site();
	char *to = text_of("%s/%s", s->temp.path, dir);

	site_run_exactly(0, "sign", "--key", pair->key, "--cert", pair->certificate, "--output", to, module, "--root", s->root,
			 "--cache", s->cache, NULL);
	char *path = text_of("%s/hello.ko", to);
	free(to);
	return path;
}

static void fill_initramfs(const char *path, const char *image, const char *kernel, const char *module)
{
	struct site *s = site();
	cleanup_free char *efivarfs = text_of("%s/lib/modules/%s/kernel/fs/efivarfs/efivarfs.ko", image, kernel);
	struct key_pair pair, other;
	struct initramfs i;

	key_pair_make(s->temp.path, &(struct key_spec){ .name = "boot-key" }, &pair);
	key_pair_make(s->temp.path, &(struct key_spec){ .name = "other-key" }, &other);
	cleanup_free char *ours = sign(&pair, module, "ours"), *theirs = sign(&other, module, "theirs");
	cleanup_buf struct buf changed = { 0 };
	initramfs_open(&i, path);
	static const char *const directories[] = { "bin", "proc", "sys", "dev" };
	for (size_t d = 0; d < ARRAY_LEN(directories); d++)
		initramfs_add(&i, directories[d], S_IFDIR | 0755, NULL, 0);
	initramfs_add_file(&i, "bin/busybox", "/bin/busybox");
	initramfs_add(&i, "init", S_IFREG | 0755, guest, strlen(guest));
	initramfs_add_file(&i, "efivarfs.ko", efivarfs);
	initramfs_add_file(&i, "unsigned.ko", module);
	initramfs_add_file(&i, "ours.ko", ours);
	initramfs_add_file(&i, "other.ko", theirs);
	file_bytes(ours, &changed);
	changed.data[changed.len / 2] ^= 1;
	initramfs_add(&i, "changed.ko", S_IFREG | 0644, changed.data, changed.len);
	add_db(&i, &pair);
	initramfs_close(&i);
}

static void boot(const char *image, const char *kernel, const char *initramfs, struct buf *ret)
{
	struct site *s = site();
	cleanup_free char *vmlinuz = text_of("%s/boot/vmlinuz-%s", image, kernel), *vars = text_of("%s/vars.fd", s->temp.path);
	cleanup_free char *flash = text_of("if=pflash,format=raw,unit=1,file=%s", vars);
	const char *const argv[] = { "timeout",
				     "400",
				     "qemu-system-x86_64",
				     "-accel",
				     "tcg,thread=single",
				     "-m",
				     "512",
				     "-nographic",
				     "-net",
				     "none",
				     "-drive",
				     "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
				     "-drive",
				     flash,
				     "-kernel",
				     vmlinuz,
				     "-initrd",
				     initramfs,
				     "-append",
				     "console=ttyS0 panic=-1 module.sig_enforce=1",
				     NULL };
	struct err e;

	work("cp", "/usr/share/OVMF/OVMF_VARS_4M.fd", vars, NULL);
	cr_assert(process_run(argv, NULL, 16 << 20, ret, NULL, &e) == 0, "%s\n%s", e.message, buf_text(ret));
}

Test(sign_boot, an_enforcing_kernel_loads_what_is_signed_and_nothing_else)
{
	struct site *s = site();
	cleanup_free char *generic = site_kernel(SERIES_6_1), *kernel = site_cloud(generic);
	cleanup_free char *image = get_image(kernel), *initramfs = text_of("%s/initramfs", s->temp.path);
	cleanup_free char *object = text_of("%s/%s-%s.ko.gz", s->modules, s->name, kernel);
	cleanup_free char *module = text_of("%s/hello.ko", s->temp.path);
	static const char *const lines[] = { "guest: enrolled",
					     "guest: unsigned is refused",
					     "guest: other is refused",
					     "guest: changed is refused",
					     "guest: ours is loaded",
					     "guest: enforcing Y, taint 4096" /* out of tree, and not unsigned */ };
	cleanup_buf struct buf bytes = { 0 }, serial = { 0 };
	struct err e;

	probe_put_mod(s->probe, s->name, "");
	site_run(0, "build", "--kernel", kernel, "--no-image", NULL);
	file_gunzip(object, &bytes);
	cr_assert(file_replace(module, bytes.data, bytes.len, 0644, &e) == 0, "%s", e.message);
	fill_initramfs(initramfs, image, kernel, module);
	boot(image, kernel, initramfs, &serial);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect(memmem(serial.data, serial.len, lines[i], strlen(lines[i])), "%s\n%s", lines[i], buf_text(&serial));
}
