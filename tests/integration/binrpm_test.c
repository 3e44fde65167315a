/* The package that a kernel's own makefiles make. To compile a kernel for it takes minutes, so it has to be handed in. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "objects.h"
#include "probes.h"
#include "site.h"
#include "tree.h"
#include "work.h"

TestSuite(binrpm, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

#define PREFIX "kernel-devel-"

Test(binrpm, a_kernel_of_it_is_built)
{
	const char *rpm = getenv("ORCHESTRATE_BINRPM");
	struct site *s = site();

	if (!rpm || !*rpm)
		site_skip("ORCHESTRATE_BINRPM is not set; it names a kernel-devel RPM that `make binrpm-pkg` made "
			  "(tests/integration/make-binrpm makes one, in ten minutes of one processor)");
	cr_assert(str_starts(path_base(rpm), PREFIX), "'%s' is no " PREFIX "VERSION-N.x86_64.rpm", rpm);
	const char *version = path_base(rpm) + strlen(PREFIX);
	cleanup_free char *release = text_of("%.*s", (int)strcspn(version, "-"), version);
	cleanup_free char *root = text_of("%s/checkout", s->temp.path), *list = text_of("file://%s\n", rpm);
	cleanup_free char *real = text_of("%s/images", s->root), *images = text_of("%s/images", root);
	cleanup_buf struct buf yaml = { 0 };

	file_bytes("tests/data/integration/kernelorg.yaml", &yaml);
	file_put(root, "distros/kernelorg.yaml", buf_text(&yaml));
	file_put(root, "supported-kernels/kernelorg.txt", list);
	cr_assert(symlink(real, images) == 0);
	probe_put_both(s->probe, s->name, "3.10", "");
	site_run(0, "build", "--root", root, "--no-image", NULL);
	expect_good_objects(release, release, "hello");
}
