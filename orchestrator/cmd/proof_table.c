#include "cmd/proof_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

/* What stands behind the verdict. */
static void print_remark(const struct proof *p)
{
	if (p->verdict == PROOF_BOOTED)
		printf("%s%s%.1f s, %llu events%s", p->machine ? p->machine : "", p->machine ? ", " : "",
		       (double)p->milliseconds / 1000, (unsigned long long)p->events, p->reused ? ", shown before" : "");
	else if (p->reason)
		fputs(p->reason, stdout);
}

int proof_table_print(const struct proof_set *proofs, double seconds, struct err *e)
{
	unsigned counts[PROOF_VERDICTS] = { 0 };
	int width = 0;

	for (size_t i = 0; i < proofs->count; i++) {
		int len = (int)strlen(proofs->items[i].kernel);
		counts[proofs->items[i].verdict]++;
		if (proofs->items[i].verdict != PROOF_ABSENT && len > width)
			width = len;
	}
	for (size_t i = 0; i < proofs->count; i++) {
		const struct proof *p = &proofs->items[i];
		if (p->verdict == PROOF_ABSENT)
			continue;
		printf("%-*s  %-3s  %-6s  ", width, p->kernel, kind_name(p->kind), proof_verdict_name(p->verdict));
		print_remark(p);
		putchar('\n');
	}
	for (int v = 0; v < PROOF_VERDICTS; v++)
		printf("%u %s%s", counts[v], proof_verdict_name((enum proof_verdict)v), v + 1 < PROOF_VERDICTS ? ", " : "");
	printf(" in %.1f s\n", seconds);
	return fflush(stdout) == 0 ? 0 : err_system(e, errno, "writing to stdout");
}

int proof_table_exit_code(const struct proof_set *proofs)
{
	int code = EXIT_GOOD;

	for (size_t i = 0; i < proofs->count; i++) {
		if (proofs->items[i].verdict == PROOF_FAILED)
			return EXIT_CHECK;
		if (proofs->items[i].verdict == PROOF_GATED && proofs->items[i].trouble)
			code = EXIT_KERNEL_FAILED;
	}
	return code;
}
