/* All descriptors of the checkout, and what their grouping rules make of lists. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"
#include "kernel/list.h"

static struct distro_set load_all(void)
{
	struct err e = { 0 };
	struct distro_set set = { 0 };
	cr_assert_eq(distro_load_dir("distros", &set, &e), 0, "%s", e.message);
	return set;
}

static const struct distro *find(const struct distro_set *set, const char *name)
{
	struct err e = { 0 };
	const struct distro *d = distro_find(set, name, &e);
	cr_assert(d, "%s", e.message);
	return d;
}

/* "id release package package\n" for each kernel, then "line: reason\n" for each leftover. */
static char *describe(const struct distro *d, const char *text)
{
	struct err e = { 0 };
	struct buf out = { 0 };
	cleanup_kernel_list struct kernel_list list = { 0 };
	cleanup_kernel_set struct kernel_set set = { 0 };
	cr_assert_eq(kernel_list_parse(text, strlen(text), d->name, &list, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(kernel_group(&d->kernel, &list, &set, &e), 0, "%s", e.message);
	for (size_t i = 0; i < set.count; i++) {
		const struct kernel *k = &set.kernels[i];
		cr_assert_eq(buf_printf(&out, &e, "%s '%s'", k->id, k->release), 0);
		for (size_t j = 0; j < k->package_count; j++)
			cr_assert_eq(buf_printf(&out, &e, " %s", k->packages[j].file_name), 0);
		cr_assert_eq(buf_puts(&out, "\n", &e), 0);
	}
	for (size_t i = 0; i < set.leftover_count; i++)
		cr_assert_eq(buf_printf(&out, &e, "%u: %s\n", set.leftovers[i].line, set.leftovers[i].reason), 0);
	cr_assert_eq(buf_puts(&out, "", &e), 0);
	return buf_steal(&out);
}

/* Loading checks the rules of kernels, trees and indexes; this is about what goes with them. */
Test(families, every_descriptor_loads_and_has_its_list)
{
	static const char *const wanted[] = { "alma",	  "amazon",	   "centos",  "coreos",	     "cos",  "debian",
					      "elrepo",	  "fedora-coreos", "flatcar", "gardenlinux", "kops", "oracle-uek",
					      "minikube", "vanilla",	   "rhel",    "rocky",	     "suse", "ubuntu" };
	struct err e = { 0 };
	cleanup_distro_set struct distro_set set = load_all();
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		find(&set, wanted[i]);
	for (size_t i = 0; i < set.count; i++) {
		cleanup_kernel_list struct kernel_list list = { 0 };
		cr_expect_eq(kernel_list_load(set.items[i].list, &list, NULL, &e), 0, "%s: %s", set.items[i].name, e.message);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(set.items[i].list, set.items[j].list, "two descriptors of one list");
	}
}

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(families, group_what_their_distributions_publish)
{
	static const struct {
		const char *distro, *what, *list, *wanted;
	} rows[] = {
		{ "ubuntu", "plain and low-latency kernels share the plain headers",
		  "http://h/linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb\n"
		  "http://h/linux-headers-5.4.0-42-lowlatency_5.4.0-42.46_amd64.deb\n",
		  "5.4.0-42-generic '5.4.0-42-generic' linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb "
		  "linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "5.4.0-42-lowlatency '5.4.0-42-lowlatency' linux-headers-5.4.0-42-lowlatency_5.4.0-42.46_amd64.deb "
		  "linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n" },
		{ "ubuntu", "a kernel that an earlier release borrows has an id of its own",
		  "http://h/linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb\n"
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46~20.04.1_amd64.deb\n"
		  "http://h/linux-hwe-5.4-headers-5.4.0-42_5.4.0-42.46~20.04.1_all.deb\n",
		  "5.4.0-42-generic '5.4.0-42-generic' linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb "
		  "linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "5.4.0-42-generic~20.04 '5.4.0-42-generic' linux-headers-5.4.0-42-generic_5.4.0-42.46~20.04.1_amd64.deb "
		  "linux-hwe-5.4-headers-5.4.0-42_5.4.0-42.46~20.04.1_all.deb\n" },
		{ "ubuntu", "but not where nobody tells it from the later release's",
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46~18.04.1_amd64.deb\n"
		  "http://h/linux-hwe-5.4-headers-5.4.0-42_5.4.0-42.46~18.04.1_all.deb\n"
		  "http://h/linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb\n",
		  "5.4.0-42-generic '5.4.0-42-generic' linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb "
		  "linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n"
		  "1: superseded by 'linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb'\n"
		  "2: no complete kernel needs this 'common' package\n" },
		{ "ubuntu", "vendors whose versions coincide are not mixed up",
		  "http://h/linux-headers-5.4.0-1092-aws_5.4.0-1092.100_amd64.deb\n"
		  "http://h/linux-headers-5.4.0-1092-gcp_5.4.0-1092.100_amd64.deb\n"
		  "http://h/linux-aws-headers-5.4.0-1092_5.4.0-1092.100_all.deb\n"
		  "http://h/linux-gcp-headers-5.4.0-1092_5.4.0-1092.100_amd64.deb\n",
		  "5.4.0-1092-aws '5.4.0-1092-aws' linux-headers-5.4.0-1092-aws_5.4.0-1092.100_amd64.deb "
		  "linux-aws-headers-5.4.0-1092_5.4.0-1092.100_all.deb\n"
		  "5.4.0-1092-gcp '5.4.0-1092-gcp' linux-headers-5.4.0-1092-gcp_5.4.0-1092.100_amd64.deb "
		  "linux-gcp-headers-5.4.0-1092_5.4.0-1092.100_amd64.deb\n" },
		{ "ubuntu", "a flavour of a vendor's kernel, and a source with its series in the name",
		  "http://h/linux-headers-5.15.0-1005-nvidia-lowlatency_5.15.0-1005.5_amd64.deb\n"
		  "http://h/linux-nvidia-headers-5.15.0-1005_5.15.0-1005.5_all.deb\n"
		  "http://h/linux-headers-5.15.0-1003-intel-iotg_5.15.0-1003.5~20.04.1_amd64.deb\n"
		  "http://h/linux-intel-iotg-5.15-headers-5.15.0-1003_5.15.0-1003.5~20.04.1_all.deb\n",
		  "5.15.0-1003-intel-iotg~20.04 '5.15.0-1003-intel-iotg' "
		  "linux-headers-5.15.0-1003-intel-iotg_5.15.0-1003.5~20.04.1_amd64.deb "
		  "linux-intel-iotg-5.15-headers-5.15.0-1003_5.15.0-1003.5~20.04.1_all.deb\n"
		  "5.15.0-1005-nvidia-lowlatency '5.15.0-1005-nvidia-lowlatency' "
		  "linux-headers-5.15.0-1005-nvidia-lowlatency_5.15.0-1005.5_amd64.deb "
		  "linux-nvidia-headers-5.15.0-1005_5.15.0-1005.5_all.deb\n" },
		{ "ubuntu", "shared headers that have not been published yet",
		  "http://h/linux-headers-6.8.0-9-generic_6.8.0-9.9_amd64.deb\nhttp://h/linux-headers-6.8.0-8_6.8.0-8.8_all.deb\n",
		  "1: kernel '6.8.0-9-generic' is incomplete: no 'common' package with abi=6.8.0-9, for=generic, or abi=6.8.0-9, "
		  "for=generic, or abi=6.8.0-9, for=, or abi=6.8.0-9, for=hwe, or abi=6.8.0-9, for=lowlatency-hwe, version "
		  "6.8.0-9.9\n"
		  "2: no complete kernel needs this 'common' package\n" },
		{ "rhel", "realtime kernels say so in the version or behind it",
		  "https://h/k/kernel-rt-devel-4.18.0-147.3.1.rt24.96.el8_1.x86_64.rpm\n"
		  "https://h/k/kernel-rt-devel-5.14.0-427.22.1.el9_4.x86_64.rpm\n"
		  "https://h/k/kernel-devel-5.14.0-427.22.1.el9_4.x86_64.rpm\n"
		  "https://h/k/kernel-devel-matched-5.14.0-427.22.1.el9_4.x86_64.rpm\n"
		  "https://h/k/kernel-debug-devel-5.14.0-427.22.1.el9_4.x86_64.rpm\n",
		  "4.18.0-147.3.1.rt24.96.el8_1.x86_64 '4.18.0-147.3.1.rt24.96.el8_1.x86_64' "
		  "kernel-rt-devel-4.18.0-147.3.1.rt24.96.el8_1.x86_64.rpm\n"
		  "5.14.0-427.22.1.el9_4.x86_64 '5.14.0-427.22.1.el9_4.x86_64' kernel-devel-5.14.0-427.22.1.el9_4.x86_64.rpm\n"
		  "5.14.0-427.22.1.el9_4.x86_64+rt '5.14.0-427.22.1.el9_4.x86_64+rt' "
		  "kernel-rt-devel-5.14.0-427.22.1.el9_4.x86_64.rpm\n"
		  "4: no package rule knows 'k/kernel-devel-matched-5.14.0-427.22.1.el9_4.x86_64.rpm'\n"
		  "5: no package rule knows 'k/kernel-debug-devel-5.14.0-427.22.1.el9_4.x86_64.rpm'\n" },
		{ "rhel", "a digest is a kernel whose release its package will tell, and the package is at /download",
		  "https://h/packages/" SHA "\nhttps://h/packages/" SHA "/download\n",
		  "package-" SHA " '' download\n1: superseded by '" SHA "/download'\n" },
		{ "rhel", "one package on two hosts",
		  "https://h/a/kernel-devel-3.10.0-957.el7.x86_64.rpm\nhttps://g/b/kernel-devel-3.10.0-957.el7.x86_64.rpm\n",
		  "3.10.0-957.el7.x86_64 '3.10.0-957.el7.x86_64' kernel-devel-3.10.0-957.el7.x86_64.rpm\n"
		  "2: the same kernel as in line 1\n" },
		{ "suse", "objects and sources of one version, the rebuild's number left out of the release",
		  "https://h/noarch/kernel-devel-4.12.14-122.91.2.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-4.12.14-122.91.2.x86_64.rpm\n"
		  "https://h/noarch/kernel-devel-5.14.21-150400.22.1.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-5.14.21-150400.22.1.x86_64.rpm\n",
		  "4.12.14-122.91-default '4.12.14-122.91-default' kernel-default-devel-4.12.14-122.91.2.x86_64.rpm "
		  "kernel-devel-4.12.14-122.91.2.noarch.rpm\n"
		  "5.14.21-150400.22-default '5.14.21-150400.22-default' kernel-default-devel-5.14.21-150400.22.1.x86_64.rpm "
		  "kernel-devel-5.14.21-150400.22.1.noarch.rpm\n" },
		{ "suse", "objects and sources that were not rebuilt equally often",
		  "https://h/noarch/kernel-devel-5.14.21-150400.24.49.4.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-5.14.21-150400.24.49.3.x86_64.rpm\n"
		  "https://h/noarch/kernel-devel-5.3.18-24.67.2.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-5.3.18-24.67.3.x86_64.rpm\n",
		  "5.3.18-24.67-default '5.3.18-24.67-default' kernel-default-devel-5.3.18-24.67.3.x86_64.rpm "
		  "kernel-devel-5.3.18-24.67.2.noarch.rpm\n"
		  "5.14.21-150400.24.49-default '5.14.21-150400.24.49-default' "
		  "kernel-default-devel-5.14.21-150400.24.49.3.x86_64.rpm kernel-devel-5.14.21-150400.24.49.4.noarch.rpm\n" },
		{ "suse", "a rebuild replaces what it rebuilds",
		  "https://h/noarch/kernel-devel-4.12.14-122.91.9.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-4.12.14-122.91.9.x86_64.rpm\n"
		  "https://h/noarch/kernel-devel-4.12.14-122.91.10.noarch.rpm\n"
		  "https://h/x86_64/kernel-default-devel-4.12.14-122.91.10.x86_64.rpm\n",
		  "4.12.14-122.91-default '4.12.14-122.91-default' kernel-default-devel-4.12.14-122.91.10.x86_64.rpm "
		  "kernel-devel-4.12.14-122.91.10.noarch.rpm\n"
		  "1: no complete kernel needs this 'sources' package\n"
		  "2: superseded by 'kernel-default-devel-4.12.14-122.91.10.x86_64.rpm'\n" },
		{ "kops", "one host-tools package for all of a series",
		  "http://h/linux-headers-4.4.102-k8s_4.4.102-20171126_amd64.deb\n"
		  "http://h/linux-headers-4.4.110-k8s_4.4.110-20180105_amd64.deb\n"
		  "http://h/linux-headers-4.9.1-k8s_4.9.1-20180105_amd64.deb\n"
		  "http://h/linux-kbuild-4.4_4.4-4~bpo8+1_amd64.deb\n",
		  "4.4.102-k8s '4.4.102-k8s' linux-headers-4.4.102-k8s_4.4.102-20171126_amd64.deb "
		  "linux-kbuild-4.4_4.4-4~bpo8+1_amd64.deb\n"
		  "4.4.110-k8s '4.4.110-k8s' linux-headers-4.4.110-k8s_4.4.110-20180105_amd64.deb "
		  "linux-kbuild-4.4_4.4-4~bpo8+1_amd64.deb\n"
		  "3: kernel '4.9.1-k8s' is incomplete: no 'kbuild' package with series=4.9, any version\n" },
		{ "gardenlinux", "one name in two releases of the distribution",
		  "http://h/linux-headers-5.10.0-garden-amd64_5.10.93-0gardenlinux1_amd64.deb\n"
		  "http://h/linux-headers-5.10.0-garden-amd64_5.10.94-0gardenlinux1_amd64.deb\n"
		  "http://h/linux-headers-5.10.0-garden-common_5.10.93-0gardenlinux1_all.deb\n"
		  "http://h/linux-headers-5.10.0-garden-common_5.10.94-0gardenlinux1_all.deb\n"
		  "http://h/linux-kbuild-5.10_5.10.93-0gardenlinux1_amd64.deb\n"
		  "http://h/linux-kbuild-5.10_5.10.94-0gardenlinux1_amd64.deb\n",
		  "5.10.0-garden-amd64-gl-5.10.93-0gardenlinux1 '5.10.0-garden-amd64' "
		  "linux-headers-5.10.0-garden-amd64_5.10.93-0gardenlinux1_amd64.deb "
		  "linux-headers-5.10.0-garden-common_5.10.93-0gardenlinux1_all.deb "
		  "linux-kbuild-5.10_5.10.93-0gardenlinux1_amd64.deb\n"
		  "5.10.0-garden-amd64-gl-5.10.94-0gardenlinux1 '5.10.0-garden-amd64' "
		  "linux-headers-5.10.0-garden-amd64_5.10.94-0gardenlinux1_amd64.deb "
		  "linux-headers-5.10.0-garden-common_5.10.94-0gardenlinux1_all.deb "
		  "linux-kbuild-5.10_5.10.94-0gardenlinux1_amd64.deb\n" },
		{ "cos", "two files of one directory",
		  "https://h/t/17412.156.69/kernel-src.tar.gz\nhttps://h/t/17412.156.69/kernel-headers.tgz\n"
		  "https://h/t/9592.1.0/kernel-src.tar.gz\nhttps://h/t/17800.0.0/kernel-headers.tgz\n",
		  "cos-9592.1.0 '' kernel-src.tar.gz\n"
		  "cos-17412.156.69 '' kernel-src.tar.gz kernel-headers.tgz\n"
		  "4: no complete kernel needs this 'headers' package\n" },
		{ "vanilla", "a configuration, and the sources that it is of",
		  "https://h/v6.x/linux-6.1.90.tar.xz\nhttps://h/v5.x/linux-5.10.tar.gz\nhttps://h/c/config-6.1.90-own\n"
		  "https://h/c/config-5.10.0\nhttps://h/c/config-5.10.3-linuxkit\nhttps://h/c/config-6.1.90\n",
		  "5.10.0 '5.10.0' config-5.10.0 linux-5.10.tar.gz\n"
		  "6.1.90 '6.1.90' config-6.1.90 linux-6.1.90.tar.xz\n"
		  "6.1.90-own '6.1.90-own' config-6.1.90-own linux-6.1.90.tar.xz\n"
		  "5: kernel '5.10.3-linuxkit' is incomplete: no 'sources' package with of=5.10.3, any version\n" },
		{ "minikube", "one release with several configurations",
		  "https://h/v5.x/linux-5.10.57.tar.xz\nhttps://h/c/config-5.10.57-minikube-v1.25.1\nhttps://h/c/config-5.10.57-minikube\n",
		  "5.10.57-minikube '5.10.57' config-5.10.57-minikube linux-5.10.57.tar.xz\n"
		  "5.10.57-minikube-v1.25.1 '5.10.57' config-5.10.57-minikube-v1.25.1 linux-5.10.57.tar.xz\n" },
		{ "flatcar", "a directory for each release, the same file name in all",
		  "https://h/a/3510.2.8/flatcar_developer_container.bin.bz2\nhttps://h/a/3510.2.10/flatcar_developer_container.bin.bz2\n"
		  "https://h/a/current/flatcar_developer_container.bin.bz2\n",
		  "flatcar-3510.2.8 '' flatcar_developer_container.bin.bz2\n"
		  "flatcar-3510.2.10 '' flatcar_developer_container.bin.bz2\n"
		  "3: no package rule knows 'current/flatcar_developer_container.bin.bz2'\n" },
		{ "oracle-uek", "a letter in the version", "http://h/kernel-uek-devel-4.14.35-1910a.el7uek.x86_64.rpm\n",
		  "4.14.35-1910a.el7uek.x86_64 '4.14.35-1910a.el7uek.x86_64' kernel-uek-devel-4.14.35-1910a.el7uek.x86_64.rpm\n" },
		{ "amazon", "series under names of their own",
		  "https://h/kernel6.12-devel-6.12.20-23.97.amzn2023.x86_64.rpm\n"
		  "https://h/kernel-devel-6.1.10-15.42.amzn2023.x86_64.rpm\n",
		  "6.1.10-15.42.amzn2023.x86_64 '6.1.10-15.42.amzn2023.x86_64' kernel-devel-6.1.10-15.42.amzn2023.x86_64.rpm\n"
		  "6.12.20-23.97.amzn2023.x86_64 '6.12.20-23.97.amzn2023.x86_64' "
		  "kernel6.12-devel-6.12.20-23.97.amzn2023.x86_64.rpm\n" },
		{ "elrepo", "long-term and mainline kernels",
		  "https://h/kernel-lt-devel-6.1.35-1.el9.elrepo.x86_64.rpm\nhttps://h/kernel-ml-devel-6.4.1-1.el9.elrepo.x86_64.rpm\n",
		  "6.1.35-1.el9.elrepo.x86_64 '6.1.35-1.el9.elrepo.x86_64' kernel-lt-devel-6.1.35-1.el9.elrepo.x86_64.rpm\n"
		  "6.4.1-1.el9.elrepo.x86_64 '6.4.1-1.el9.elrepo.x86_64' kernel-ml-devel-6.4.1-1.el9.elrepo.x86_64.rpm\n" },
	};
	cleanup_distro_set struct distro_set set = load_all();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *text = describe(find(&set, rows[i].distro), rows[i].list);
		cr_expect_str_eq(text, rows[i].wanted, "%s: %s:\n%s", rows[i].distro, rows[i].what, text);
	}
}

Test(families, know_where_the_tree_is)
{
	static const struct {
		const char *distro, *list, *build_dir;
	} rows[] = {
		{ "rhel", "http://h/kernel-devel-5.14.0-427.13.1.el9_4.x86_64.rpm\n",
		  "usr/src/kernels/5.14.0-427.13.1.el9_4.x86_64" },
		{ "rhel", "http://h/kernel-rt-devel-5.14.0-427.13.1.el9_4.x86_64.rpm\n",
		  "usr/src/kernels/5.14.0-427.13.1.el9_4.x86_64+rt" },
		{ "rhel", "http://h/kernel-rt-devel-5.14.0-162.6.1.rt21.168.el9_1.x86_64.rpm\n",
		  "usr/src/kernels/5.14.0-162.6.1.rt21.168.el9_1.x86_64" },
		{ "oracle-uek", "http://h/kernel-uek-devel-5.15.0-200.131.27.el9uek.x86_64.rpm\n",
		  "usr/src/kernels/5.15.0-200.131.27.el9uek.x86_64" },
		{ "suse",
		  "http://h/kernel-default-devel-4.12.14-95.3.1.x86_64.rpm\nhttp://h/kernel-devel-4.12.14-95.3.2.noarch.rpm\n",
		  "usr/src/linux-4.12.14-95.3-obj/x86_64/default" },
		{ "ubuntu",
		  "http://h/linux-headers-5.4.0-42-generic_5.4.0-42.46_amd64.deb\n"
		  "http://h/linux-headers-5.4.0-42_5.4.0-42.46_all.deb\n",
		  "usr/src/linux-headers-5.4.0-42-generic" },
	};
	cleanup_distro_set struct distro_set set = load_all();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		const struct distro *d = find(&set, rows[i].distro);
		cleanup_kernel_list struct kernel_list list = { 0 };
		cleanup_kernel_set struct kernel_set kernels = { 0 };
		cleanup_tree_rules struct tree_rules tree = { 0 };
		cr_assert_eq(kernel_list_parse(rows[i].list, strlen(rows[i].list), "list", &list, NULL, &e), 0, "%s", e.message);
		cr_assert_eq(kernel_group(&d->kernel, &list, &kernels, &e), 0, "%s", e.message);
		cr_assert_eq(kernels.count, 1, "row %zu", i);
		cr_assert_eq(distro_tree_rules(d, &kernels.kernels[0], &tree, &e), 0, "%s", e.message);
		cr_expect_str_eq(tree.build_dir, rows[i].build_dir, "row %zu: '%s'", i, tree.build_dir);
	}
}

/* --- lists of the field --- */

/* The descriptor of a list: the longest name that "<name>.txt" or "<name>-<more>.txt" begins with. */
static const struct distro *distro_of_list(const struct distro_set *set, const char *file)
{
	const struct distro *best = NULL;
	for (size_t i = 0; i < set->count; i++) {
		size_t len = strlen(set->items[i].name);
		if (strncmp(file, set->items[i].name, len) == 0 && (file[len] == '.' || file[len] == '-') &&
		    (!best || len > strlen(best->name)))
			best = &set->items[i];
	}
	return best;
}

/* A reason without what is particular to one package: quoted words become '...', numbers behind "line" n. */
static void print_kind(const char *reason, char *ret, size_t room)
{
	size_t n = 0;
	for (const char *at = reason; *at && n + 8 < room;) {
		const char *end = *at == '\'' ? strchr(at + 1, '\'') : NULL;
		if (strncmp(at, " with ", 6) == 0)
			break;
		if (end || (*at >= '0' && *at <= '9')) {
			n += (size_t)sprintf(ret + n, end ? "'...'" : "N");
			at = end ? end + 1 : at + strspn(at, "0123456789");
		} else {
			ret[n++] = *at++;
		}
	}
	ret[n] = '\0';
}

static void report(const char *file, const struct kernel_list *list, const struct kernel_set *set)
{
	char last[512] = "", kind[512];
	printf("  %s: %zu URLs, %zu kernels, %zu left over\n", file, list->count, set->count, set->leftover_count);
	/* Few kinds, so each is counted when it is met first. */
	for (size_t i = 0; i < set->leftover_count; i++) {
		size_t count = 0, before = 0;
		print_kind(set->leftovers[i].reason, last, sizeof(last));
		for (size_t j = 0; j < set->leftover_count; j++) {
			print_kind(set->leftovers[j].reason, kind, sizeof(kind));
			count += strcmp(kind, last) == 0;
			before += j < i && strcmp(kind, last) == 0;
		}
		if (!before)
			printf("    %zu: %s\n", count, last);
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Marks what is accounted for; every URL must be, and by one of the two only. */
static void expect_all(const char *file, const struct kernel_list *list, const struct kernel_set *set)
{
	cleanup_free const char **used = calloc(list->count * 4 + 1, sizeof(*used));
	size_t count = 0, distinct = 0;
	cr_assert(used);
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < set->kernels[i].package_count && count < list->count * 4; j++)
			used[count++] = set->kernels[i].packages[j].url;
	qsort(used, count, sizeof(*used), compare_texts);
	for (size_t i = 0; i < count; i++)
		distinct += i == 0 || strcmp(used[i - 1], used[i]) != 0;
	cr_expect_eq(distinct + set->leftover_count, list->count, "%s: %zu used, %zu left over, %zu in the list", file, distinct,
		     set->leftover_count, list->count);
	for (size_t i = 0; i < set->leftover_count; i++) {
		const char *url = set->leftovers[i].url;
		cr_expect(!bsearch(&url, used, count, sizeof(*used), compare_texts), "%s: used and left over", url);
		cr_expect(*set->leftovers[i].reason, "%s: no reason", url);
	}
}

static void check_list(const struct distro_set *set, const char *dir, const char *file)
{
	struct err e = { 0 };
	cleanup_kernel_list struct kernel_list list = { 0 };
	cleanup_kernel_set struct kernel_set kernels = { 0 };
	cleanup_free char *path = path_join(dir, file, &e);
	const struct distro *d = distro_of_list(set, file);
	cr_assert(path && d, "no descriptor for %s", file);
	cr_assert_eq(kernel_list_load(path, &list, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(kernel_group(&d->kernel, &list, &kernels, &e), 0, "%s: %s", file, e.message);
	expect_all(file, &list, &kernels);
	cr_expect_gt(kernels.count, 0, "%s: no kernel", file);
	report(file, &list, &kernels);
}

/* Real lists are not ours to publish: a directory of them is named by the environment. */
Test(families, account_for_every_url_of_the_field, .timeout = 120)
{
	const char *dir = getenv("ORCHESTRATE_FIELD_LISTS");
	if (!dir || !*dir) {
		static const char why[] =
			"ORCHESTRATE_FIELD_LISTS is not set; it names a directory with lists of the field (*.txt)";
		/* Criterion shows reasons only when it is asked to. */
		printf("families/account_for_every_url_of_the_field is skipped: %s\n", why);
		cr_skip_test("%s", why);
	}
	cleanup_distro_set struct distro_set set = load_all();
	struct dirent **names;
	size_t lists = 0;
	int count = scandir(dir, &names, NULL, alphasort);
	cr_assert_geq(count, 0, "%s: not readable", dir);
	for (int i = 0; i < count; i++) {
		if (str_ends(names[i]->d_name, ".txt")) {
			check_list(&set, dir, names[i]->d_name);
			lists++;
		}
		free(names[i]);
	}
	free(names);
	cr_expect_gt(lists, 0, "%s: no list in it", dir);
}
