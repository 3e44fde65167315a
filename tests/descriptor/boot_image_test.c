#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"
#include "expect.h"

/* The good example with this section behind it. */
static int load_with(const char *section, struct distro *ret, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	cr_assert_eq(file_read("tests/data/descriptor/example.yaml", 1 << 20, &text, e), 0, "%s", e->message);
	cr_assert_eq(buf_puts(&text, section, e), 0);
	return distro_parse(text.data, text.len, "example", ret, e);
}

static struct kernel kernel_of(const char *release, const char *url, const char *version)
{
	static struct kernel_package package;

	package = (struct kernel_package){ .url = (char *)url, .version = (char *)version };
	return (struct kernel){ .id = (char *)release,
				.release = (char *)release,
				.base = (char *)"",
				.version = (char *)"1",
				.arch = arch_by_name("amd64"),
				.packages = &package,
				.package_count = 1 };
}

/* The committed rules, against what the archive really has. */
Test(image, debian)
{
	static const struct {
		const char *release, *headers, *version, *url, *kernel;
	} rows[] = {
		{ "5.10.0-30-rt-amd64",
		  "http://ftp.debian.org/debian/pool/main/l/linux/linux-headers-5.10.0-30-rt-amd64_5.10.218-1_amd64.deb",
		  "5.10.218-1",
		  "http://ftp.debian.org/debian/pool/main/l/linux/linux-image-5.10.0-30-rt-amd64-unsigned_5.10.218-1_amd64.deb",
		  "boot/vmlinuz-5.10.0-30-rt-amd64" },
		{ "6.12.117+deb12-cloud-amd64",
		  "http://security.debian.org/debian-security/pool/updates/main/l/linux/"
		  "linux-headers-6.12.117+deb12-cloud-amd64_6.12.117-1~bpo12+1_amd64.deb",
		  "6.12.117-1~bpo12+1",
		  "http://security.debian.org/debian-security/pool/updates/main/l/linux/"
		  "linux-image-6.12.117+deb12-cloud-amd64-unsigned_6.12.117-1~bpo12+1_amd64.deb",
		  "boot/vmlinuz-6.12.117+deb12-cloud-amd64" },
		{ "7.3.4+deb13-amd64",
		  "http://ftp.debian.org/debian/pool/main/l/linux/linux-headers-7.3.4+deb13-amd64_7.3.4-1~bpo13+1_amd64.deb",
		  "7.3.4-1~bpo13+1",
		  "http://ftp.debian.org/debian/pool/main/l/linux/"
		  "linux-binary-unsigned-7.3.4+deb13-amd64_7.3.4-1~bpo13+1_amd64.deb",
		  "usr/lib/modules/7.3.4+deb13-amd64/vmlinuz.unsigned" },
	};
	cleanup_distro struct distro d = { 0 };
	struct err e;

	cr_assert_eq(distro_load("distros/debian.yaml", &d, &e), 0, "%s", e.message);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct kernel k = kernel_of(rows[i].release, rows[i].headers, rows[i].version);
		cleanup_strv struct strv urls = { 0 }, kernels = { 0 };
		cr_assert_eq(distro_image_places(&d, &k, &urls, &kernels, &e), 0, "%s", e.message);
		cr_assert(urls.len >= 1 && urls.len == kernels.len);
		cr_expect_str_eq(urls.items[0], rows[i].url);
		cr_expect_str_eq(kernels.items[0], rows[i].kernel);
	}
}

Test(image, several_places_in_order)
{
	static const char section[] = "boot-images:\n"
				      "  - {package: \"../k/${id}_${package-version}.deb\", kernel: \"boot/${base}/${arch}\"}\n"
				      "  - {release: '7.*', package: never.deb, kernel: k}\n"
				      "  - {package: \"http://other.example/${srcarch}.deb\", kernel: \"v-${version}\"}\n";
	const struct kernel k = kernel_of("6.1-9", "http://h.example/pool/h/h.deb", "6.1.4-1");
	cleanup_distro struct distro d = { 0 };
	cleanup_strv struct strv urls = { 0 }, kernels = { 0 };
	struct err e;

	cr_assert_eq(load_with(section, &d, &e), 0, "%s", e.message);
	cr_expect_eq(distro_image_places(&d, &k, &urls, &kernels, &e), -1, "an empty part in a path");
	cr_expect_eq(e.kind, ERR_INPUT);
	strv_release(&urls);
	strv_release(&kernels);
	struct kernel based = k;
	based.base = (char *)"6.1";
	cr_assert_eq(distro_image_places(&d, &based, &urls, &kernels, &e), 0, "%s", e.message);
	cr_assert_eq(urls.len, 2);
	cr_expect_str_eq(urls.items[0], "http://h.example/pool/k/6.1-9_6.1.4-1.deb");
	cr_expect_str_eq(kernels.items[0], "boot/6.1/amd64");
	cr_expect_str_eq(urls.items[1], "http://other.example/x86.deb");
	cr_expect_str_eq(kernels.items[1], "v-1");
}

Test(image, says_nothing_or_is_refused)
{
	static const struct {
		const char *section, *says;
	} rows[] = {
		{ "boot-images: [{package: a.deb}]\n", "kernel" },
		{ "boot-images: [{kernel: a}]\n", "package" },
		{ "boot-images: [{package: \"${flavour}.deb\", kernel: a}]\n", "nothing gives '${flavour}' a value" },
		{ "boot-images: [{package: a.deb, kernel: a, release: '('}]\n", "example:" },
		{ "boot-images: [{package: a.deb, kernel: \"/boot/vmlinuz-${release}\"}]\n", "no plain path" },
		{ "boot-images: [{package: a.deb, kernel: boot/../vmlinuz}]\n", "no plain path" },
		{ "boot-images: [{package: a.deb, kernel: a, size: 1}]\n", "size" },
	};
	cleanup_distro struct distro silent = { 0 };
	cleanup_strv struct strv urls = { 0 }, kernels = { 0 };
	const struct kernel k = kernel_of("6.1-9", "http://h.example/pool/h/h.deb", "6.1.4-1");
	struct err e;

	cr_assert_eq(load_with("", &silent, &e), 0, "%s", e.message);
	cr_assert_eq(distro_image_places(&silent, &k, &urls, &kernels, &e), 0);
	cr_expect_eq(urls.len, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_distro struct distro d = { 0 };
		cr_expect_eq(load_with(rows[i].section, &d, &e), -1, "row %zu", i);
		cr_expect(e.kind == ERR_INPUT && strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
	}
}
