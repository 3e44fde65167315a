#include "probes.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "site.h"
#include "tree.h"

static const char bpf_source[] =
	"__attribute__((section(\"license\"), used)) const char hello_license[] = \"GPL\";\n"
	"__attribute__((section(\"tracepoint/sched/sched_process_exit\"), used)) int on_exit(void *context)\n"
	"{\n\treturn context == 0;\n}\n"
	"#ifdef NOISE\n__asm__(\".section noise,\\\"a\\\"\\n.incbin \\\"noise\\\"\\n\");\n#endif\n";

static const char mod_source[] = "#include <linux/module.h>\n#include <linux/version.h>\n"
				 "static int __init hello_start(void)\n{\n\tpr_info(\"hello\\n\");\n\treturn 0;\n}\n"
				 "static void __exit hello_end(void)\n{\n}\n"
				 "module_init(hello_start);\nmodule_exit(hello_end);\n"
				 "MODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"says hello\");\n";

/* The lines, indented as the YAML block that they go into. Caller frees. */
static char *indent(const char *lines)
{
	char *text = text_of("%s", "");

	while (*lines) {
		int len = (int)strcspn(lines, "\n");
		char *longer = text_of("%s      %.*s\n", text, len, lines);
		free(text);
		text = longer;
		lines += len + (lines[len] == '\n');
	}
	return text;
}

static char *bpf_kind(const char *before)
{
	cleanup_free char *lines = indent(before);

	return text_of(
		"  bpf:\n    build: |\n%s      $CLANG -target bpf -O2 $FLAGS -c hello.bpf.c -o hello.o\n    output: hello.o\n"
		"    sources: [hello.bpf.c]\n    minimum-kernel: \"4.14\"\n",
		lines);
}

static char *mod_kind(const char *floor)
{
	return text_of(
		"  mod:\n    build: make -C \"$KERNEL_BUILD\" M=\"$SRC\" CC=\"$CC\" -j\"$JOBS\" modules\n    output: hello.ko\n"
		"    sources: [Kbuild, hello.c]\n    minimum-kernel: \"%s\"\n",
		floor);
}

static void put(const char *dir, const char *name, const char *kinds, const char *source)
{
	cleanup_free char *yaml = text_of("name: %s\nversion-file: VERSION\nkinds:\n%s", name, kinds);
	cleanup_free char *module = text_of("%s%s", source, mod_source);

	file_put(dir, "probe.yaml", yaml);
	file_put(dir, "VERSION", "1.0\n");
	file_put(dir, "hello.bpf.c", bpf_source);
	file_put(dir, "hello.c", module);
	file_put(dir, "Kbuild", "obj-m := hello.o\n");
}

void probe_put_bpf(const char *dir, const char *name, const char *before)
{
	cleanup_free char *kind = bpf_kind(before);

	put(dir, name, kind, "");
}

void probe_put_mod(const char *dir, const char *name, const char *source)
{
	cleanup_free char *kind = mod_kind("3.10");

	put(dir, name, kind, source);
}

void probe_put_both(const char *dir, const char *name, const char *mod_floor, const char *bpf_before)
{
	cleanup_free char *mod = mod_kind(mod_floor);
	cleanup_free char *bpf = bpf_kind(bpf_before);
	cleanup_free char *kinds = text_of("%s%s", mod, bpf);

	put(dir, name, kinds, "");
}

char *probe_put_ours(void)
{
	struct site *s = site();
	cleanup_free char *from = text_of("%s/probe", s->root);
	cleanup_free char *yaml_path = text_of("%s/probe.yaml", s->probe);
	cleanup_free char *version_path = text_of("%s/MODULE_VERSION", s->root);
	cleanup_buf struct buf yaml = { 0 };
	cleanup_buf struct buf version = { 0 };
	static const char name[] = "\nname: collector\n";

	tree_copy(from, s->probe);
	file_bytes(yaml_path, &yaml);
	char *at = strstr(yaml.data, name);
	cr_assert_not_null(at, "probe.yaml is not the collector's");
	*at = '\0';
	cleanup_free char *renamed = text_of("%s\nname: %s\n%s", yaml.data, s->name, at + strlen(name));
	file_put(s->probe, "probe.yaml", renamed);
	file_bytes(version_path, &version);
	file_put(s->temp.path, "MODULE_VERSION", version.data);
	version.data[strcspn(version.data, "\n")] = '\0';
	return buf_steal(&version);
}
