/* images/compiler_memory.c, run before a compiler of the test's own, which counts its calls, and before the machine's gcc. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "build/compiler_memory.h"

/* A directory with memory/ and bin/, where the program stands under the name of a compiler. */
struct place {
	struct temp_dir dir;
};

static void write_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, "'%s'", path);
}

static void place_make(struct place *p, const char *compiler)
{
	struct embedded program = compiler_memory_program();
	char path[160];

	temp_dir_make(&p->dir);
	snprintf(path, sizeof(path), "%s/memory", p->dir.path);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/bin", p->dir.path);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/bin/%s", p->dir.path, compiler);
	write_file(path, program.data, program.len, 0755);
}

static void place_remove(struct place *p)
{
	temp_dir_remove(&p->dir);
}

#define cleanup_place __attribute__((cleanup(place_remove)))

/* Counts its calls in `calls`, says $SAY on stderr, makes of its arguments what -o names, and ends as $CODE says. */
static const char fake_compiler[] = "#!/bin/sh\n"
				    "echo x >>calls\n"
				    "out=\n"
				    "for a; do [ \"$before\" != -o ] || out=$a; before=$a; done\n"
				    "[ -z \"${SAY:-}\" ] || echo \"$SAY\" >&2\n"
				    "[ -z \"${KILLED:-}\" ] || kill -KILL $$\n"
				    "[ \"${CODE:-0}\" != 0 ] || [ -z \"$out\" ] || echo \"of $* $(cat calls | wc -l)\" >\"$out\"\n"
				    "exit ${CODE:-0}\n";

/* The place with the compiler of above, as `fake`. */
static void place_make_fake(struct place *p)
{
	char path[160];

	place_make(p, "fake");
	snprintf(path, sizeof(path), "%s/real", p->dir.path);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/real/fake", p->dir.path);
	write_file(path, fake_compiler, strlen(fake_compiler), 0755);
}

/* Runs shell lines in the place; stdout and stderr into *ret. Returns the exit code. */
static int shell(const struct place *p, const char *lines, struct buf *ret)
{
	char script[8192];
	int code = -1, len;
	struct err e;

	len = snprintf(script, sizeof(script),
		       "cd %s; export PATH=$PWD/bin:$PWD/real:$PATH COMPILER_MEMORY=$PWD/memory; unset SOURCE_DATE_EPOCH TMPDIR\n"
		       "{ %s\n} 2>&1; echo \"exit $?\"",
		       p->dir.path, lines);
	cr_assert(len > 0 && (size_t)len < sizeof(script));
	const char *const argv[] = { "sh", "-c", script, NULL };
	cr_assert_eq(process_run(argv, NULL, 1 << 20, ret, NULL, &e), 0, "%s", e.message);
	char *last = strstr(buf_text(ret), "exit ");
	for (char *next = last; next; next = strstr(next + 1, "exit "))
		last = next;
	cr_assert(last && sscanf(last, "exit %d", &code) == 1);
	*last = '\0';
	return code;
}

/* How often the compiler ran while these lines did. */
static int calls(const char *lines)
{
	cleanup_place struct place p;
	cleanup_buf struct buf out = { 0 };
	char script[4096];
	int n = -1;

	place_make_fake(&p);
	snprintf(script, sizeof(script), "{ %s\n} >/dev/null 2>&1; touch calls; wc -l <calls", lines);
	cr_assert_eq(shell(&p, script, &out), 0, "%s", buf_text(&out));
	cr_assert_eq(sscanf(buf_text(&out), "%d", &n), 1, "%s", buf_text(&out));
	return n;
}

Test(compiler_memory, asks_the_same_question_once)
{
	static const char *const rows[] = {
		"fake -c -x c /dev/null -o a; fake -c -x c /dev/null -o b",
		"fake -c -xc /dev/null -o a; rm a; fake -c -xc /dev/null -o a",
		"mkdir d; fake -S -x c /dev/null -o d/a; fake -S -x c /dev/null -o $PWD/d/b",
		"fake -Wall -O2 -std=gnu11 -DX=/y -m64 --param a=b -c -x c /dev/null -o a; "
		"fake -Wall -O2 -std=gnu11 -DX=/y -m64 --param a=b -c -x c /dev/null -o b",
		"fake -c -x c /dev/null -o /dev/null; fake -c -x c /dev/null -o /dev/null",
		"fake -c -x c /dev/null -o a; (cd real; fake -c -x c /dev/null -o b; ! [ -e calls ] || cat calls >>../calls)",
		/* An option that it does not have. */
		"export CODE=1 SAY='cc1: error: unrecognized option'; fake -Wx -c -x c /dev/null -o a; fake -Wx -c -x c /dev/null -o a",
		"fake -fmacro-prefix-map=/a/= -c -x c /dev/null -o a; fake -fmacro-prefix-map=/a/= -c -x c /dev/null -o b",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(calls(rows[i]), 1, "%s", rows[i]);
}

Test(compiler_memory, answers_no_other_question)
{
	static const char *const rows[] = {
		"fake -c -x c /dev/null -o a; fake -S -x c /dev/null -o b",
		"fake -Wa -c -x c /dev/null -o a; fake -Wb -c -x c /dev/null -o b",
		"fake -O2 -O1 -c -x c /dev/null -o a; fake -O1 -O2 -c -x c /dev/null -o b",
		"fake -Da -c -x c /dev/null -o a; fake -Da -Da -c -x c /dev/null -o b",
		"fake -Da -Db -c -x c /dev/null -o a; fake '-Da-Db' -c -x c /dev/null -o b",
		"fake '-Da -Db' -c -x c /dev/null -o a; fake -Da -Db -c -x c /dev/null -o b",
		"fake -DA= -c -x c /dev/null -o a; fake -DA -c -x c /dev/null -o b",
		"fake --param a=1 -c -x c /dev/null -o a; fake --param a=2 -c -x c /dev/null -o b",
		"fake -c -x c /dev/null -o a; fake -c -x c /dev/null -o /dev/null",
		"fake -c -x c /dev/null -o a; LC_ALL=tlh fake -c -x c /dev/null -o b",
		"fake -c -x c /dev/null -o a; CPATH=x fake -c -x c /dev/null -o b",
		"fake -c -x c /dev/null -o a; GCC_EXEC_PREFIX=x fake -c -x c /dev/null -o b",
		"fake -c -x c /dev/null -o a; PATH=$PATH:/x fake -c -x c /dev/null -o b",
		"mkdir other; cp real/fake other/; fake -c -x c /dev/null -o a; "
		"PATH=$PWD/bin:$PWD/other:$PATH fake -c -x c /dev/null -o b",
		"ln bin/fake bin/fake2; ln real/fake real/fake2; fake -c -x c /dev/null -o a; fake2 -c -x c /dev/null -o b",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(calls(rows[i]), 2, "%s", rows[i]);
}

/* Each of them twice: the compiler runs twice. */
Test(compiler_memory, leaves_to_the_compiler_what_is_no_such_question)
{
	static const char *const rows[] = {
		"--version",
		"",
		"-c -x c /dev/null",
		"-x c /dev/null -o a",
		"-E -x c /dev/null -o a",
		"-c -x c - -o a",
		"-c -x c f.c -o a",
		"-c -x c /dev/null f.c -o a",
		"-c -x c /dev/null /dev/null -o a",
		"-c -x assembler /dev/null -o a",
		"-c -x c /dev/null -x c++ -o a",
		"-c /dev/null -o a",
		"-c -x c /dev/null -o -",
		"-c -x c /dev/null -o",
		"-c -x c /dev/null -o a -o b",
		"-include f.h -c -x c /dev/null -o a",
		"-imacros f.h -c -x c /dev/null -o a",
		"-I. -c -x c /dev/null -o a",
		"-B. -c -x c /dev/null -o a",
		"@f -c -x c /dev/null -o a",
		"--param @f -c -x c /dev/null -o a",
		"-fplugin=f -c -x c /dev/null -o a",
		"-fplugin-arg-f-x -c -x c /dev/null -o a",
		"-specs=f -c -x c /dev/null -o a",
		"-wrapper f -c -x c /dev/null -o a",
		"-save-temps -c -x c /dev/null -o a",
		"-MD -MF f -c -x c /dev/null -o a",
		"-Wp,-MMD,f -c -x c /dev/null -o a",
		"-Wa,-al=f -c -x c /dev/null -o a",
		"-g -c -x c /dev/null -o a",
		"-ftest-coverage -c -x c /dev/null -o a",
		"-fprofile-use=f -c -x c /dev/null -o a",
		"-fstack-usage -c -x c /dev/null -o a",
		"-fdump-tree-all -c -x c /dev/null -o a",
		"-fsanitize-ignorelist=f -c -x c /dev/null -o a",
		"-frandom-seed=/f -c -x c /dev/null -o a",
		"-v -c -x c /dev/null -o a",
		"-### -c -x c /dev/null -o a",
		"-Xclang -load -c -x c /dev/null -o a",
	};
	char script[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(script, sizeof(script), "fake %s; rm -f a b; fake %s", rows[i], rows[i]);
		cr_expect_eq(calls(script), 2, "%s", rows[i]);
	}
}

Test(compiler_memory, remembers_only_what_lasts)
{
	static const char *const rows[] = {
		"export CODE=1; %s a; %s b",
		"export CODE=2 SAY='error: x'; %s a; %s b",
		"export CODE=1 SAY='gcc: fatal error: Killed signal terminated program cc1'; %s a; %s b",
		"export CODE=1 SAY='cc1: error: out of memory'; %s a; %s b",
		"KILLED=y %s a; KILLED=y %s b",
		"KILLED=y %s a; %s b",
		/* It may speak of the file. */
		"export SAY='warning: a.out-of-the-way'; %s a.out-of-the-way; rm a.*; %s a.out-of-the-way",
		/* The file would be overwritten, or can't be made. */
		"%s a; %s a",
		"mkdir d; %s a; %s d",
		"%s a; %s none/b",
		"%s a; ln -s b c; %s c",
		/* No memory, or one that can't be written to. */
		"unset COMPILER_MEMORY; %s a; %s b",
		"export COMPILER_MEMORY=; %s a; %s b",
		"export COMPILER_MEMORY=none; %s a; %s b",
		/* It tells others what it did. */
		"export DEPENDENCIES_OUTPUT=f; %s a; %s b",
		"export LD_PRELOAD=; %s a; %s b",
	};
	static const char question[] = "fake -c -x c /dev/null -o";
	char script[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* Two of them in each. */
		const char *first = strstr(rows[i], "%s"), *second = strstr(first + 1, "%s");
		snprintf(script, sizeof(script), "%.*s%s%.*s%s%s", (int)(first - rows[i]), rows[i], question,
			 (int)(second - first - 2), first + 2, question, second + 2);
		cr_expect_eq(calls(script), 2, "%s", script);
	}
}

Test(compiler_memory, repeats_all_that_the_compiler_did)
{
	static const struct {
		const char *lines, *what;
	} rows[] = {
		{ "fake -c -x c /dev/null -o a; fake -c -x c /dev/null -o b; cmp a b && cat b", "of -c -x c /dev/null -o a 1\n" },
		{ "export SAY='a warning'; fake -c -x c /dev/null -o x1; fake -c -x c /dev/null -o x2", "a warning\na warning\n" },
		{ "export CODE=1 SAY='error: no'; for i in 1 2; do fake -c -x c /dev/null -o x; echo $?; ls x 2>/dev/null; done; wc -l <calls",
		  "error: no\n1\nerror: no\n1\n1\n" },
		{ "umask 027; for i in 1 2; do fake -c -x c /dev/null -o x$i; stat -c %a x$i; done", "640\n640\n" },
		{ "fake -c -x c /dev/null -o a; fake -c -x c /dev/null -o /dev/null; [ -c /dev/null ] && echo still", "still\n" },
		{ "CODE=3 fake --version; echo $?", "3\n" },
		{ "sh -c 'KILLED=y fake -c -x c /dev/null -o a; echo $?' 2>/dev/null", "137\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf out = { 0 };
		place_make_fake(&p);
		shell(&p, rows[i].lines, &out);
		cr_expect_str_eq(buf_text(&out), rows[i].what, "%s:\n%s", rows[i].lines, buf_text(&out));
	}
}

/* Whatever has become of a record, the answer is the compiler's. */
Test(compiler_memory, a_damaged_record_is_none)
{
	static const char *const rows[] = {
		": >$r",
		"truncate -s -1 $r",
		"truncate -s 10 $r",
		"echo >>$r",
		"head -c 300000 /dev/zero >$r",
		"printf x | dd of=$r bs=1 seek=30 conv=notrunc 2>/dev/null",
		"printf '\\377' | dd of=$r bs=1 seek=8 conv=notrunc 2>/dev/null",
		"rm $r; mkdir $r",
		"mv $r elsewhere; ln -s $PWD/elsewhere $r",
		"chmod 0 $r; [ $(id -u) != 0 ] || : >$r",
	};
	char script[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(
			script, sizeof(script),
			"fake -Wx -c -x c /dev/null -o a; r=$(echo memory/*); %s; fake -Wx -c -x c /dev/null -o b; test -s b || echo >>calls",
			rows[i]);
		cr_expect_eq(calls(script), 2, "%s", rows[i]);
	}
	/* One question's record under another's name. */
	cr_expect_eq(calls("fake -Wx -c -x c /dev/null -o a; x=$(echo memory/*); fake -Wy -c -x c /dev/null -o b; "
			   "for r in memory/*; do [ $r = $x ] || cp $x $r; done; fake -Wy -c -x c /dev/null -o c"),
		     3);
}

Test(compiler_memory, many_ask_at_once)
{
	cleanup_place struct place p;
	cleanup_buf struct buf out = { 0 };

	place_make_fake(&p);
	shell(&p,
	      "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do fake -c -x c /dev/null -o j$i & done; wait\n"
	      "for f in j*; do grep -q '^of -c' $f && echo good; done | wc -l; ls memory | wc -l",
	      &out);
	cr_expect_str_eq(buf_text(&out), "12\n1\n");
}

Test(compiler_memory, says_when_there_is_no_compiler)
{
	cleanup_place struct place p;
	cleanup_buf struct buf out = { 0 };

	place_make(&p, "none-such");
	cr_expect_eq(shell(&p, "none-such -c -x c /dev/null -o a", &out), 127);
	cr_expect_str_eq(buf_text(&out), "none-such: not found behind its memory\n");
}

/* With questions as kbuild asks them: what the real one answers, with the same bytes. */
Test(compiler_memory, a_real_compiler_is_repeated_byte_by_byte)
{
	static const char *const rows[] = {
		"-Werror -D__KERNEL__ -std=gnu11 -fshort-wchar -mno-sse -fno-PIE -c -x c /dev/null",
		"-Werror -Wno-such-thing -Wno-maybe-uninitialized -c -x c /dev/null",
		"-Werror -Wsuch-a-thing -c -x c /dev/null",
		"-Werror -fsuch-a-thing -c -x c /dev/null",
		"-O2 -fstack-protector-strong -S -x c /dev/null",
		"-Werror -std=none -c -x c /dev/null",
		"--param=no-such=0 -c -x c /dev/null",
		"-O2 -pg -mfentry -S -xc /dev/null",
		"-Wall -c f.c",
		"-Wall -E f.c",
	};
	char script[1024];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_place struct place p;
		cleanup_buf struct buf out = { 0 };
		place_make(&p, "gcc");
		snprintf(
			script, sizeof(script),
			"echo 'int f(void) { int i; return 1; }' >f.c; ask() { PATH=$1 gcc %s -o $2 2>$2.err; echo $? >$2.code; }\n"
			"ask ${PATH#*:} plain; ask $PATH first; ask $PATH again\n"
			"for f in first again; do for s in '' .err .code; do\n"
			"[ ! -e plain$s ] && [ ! -e $f$s ] || cmp plain$s $f$s || exit 1; done; done; echo same",
			rows[i]);
		cr_expect_eq(shell(&p, script, &out), 0, "%s: %s", rows[i], buf_text(&out));
		cr_expect_str_eq(buf_text(&out), "same\n", "%s: %s", rows[i], buf_text(&out));
	}
}
