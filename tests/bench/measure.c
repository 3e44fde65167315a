/* measure FILE COMMAND...: runs the command and writes one line to FILE:
 *   wall seconds, CPU seconds of the process itself, CPU seconds of its children, its own peak memory in KiB, CPU seconds of the
 * whole machine getrusage(2) would mix the process with its children, so /proc is read: while it runs for the memory, and once more
 * between its end and its burial for the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* VmHWM of proc(5) only grows, so the last look before the end is the peak up to then. */
static long peak_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static int cpu_ticks(pid_t pid, unsigned long *own, unsigned long *children)
{
	char path[64], text[4096];
	unsigned long user, system, child_user, child_system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return -1;
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* Fields 14 to 17; the name in field 2 may hold anything, so count from its closing bracket. */
	char *end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &user, &system, &child_user,
			   &child_system) != 4)
		return -1;
	*own = user + system;
	*children = child_user + child_system;
	return 0;
}

/* Everything but idle and waiting for disks, all processors. */
static double machine_seconds(void)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;

	FILE *f = fopen("/proc/stat", "r");
	if (!f)
		return 0;
	int got = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait, &irq, &softirq);
	fclose(f);
	return got == 7 ? (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK) : 0;
}

int main(int argc, char **argv)
{
	unsigned long own = 0, children = 0;
	long peak = 0;
	siginfo_t info;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: measure FILE COMMAND...\n");
		return 2;
	}
	double machine = machine_seconds(), start = now();
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	for (;;) {
		long kib = peak_kib(pid);
		if (kib > peak)
			peak = kib;
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
			break;
		nanosleep(&pause, NULL);
	}
	double wall = now() - start;
	if (cpu_ticks(pid, &own, &children) < 0)
		fprintf(stderr, "measure: /proc/%d/stat is not readable\n", (int)pid);
	struct rusage usage = { 0 };
	wait4(pid, &status, 0, &usage);
	/* One that was over before it was looked at; without children the figure is its own. */
	if (!children && usage.ru_maxrss > peak)
		peak = usage.ru_maxrss;
	FILE *f = fopen(argv[1], "w");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	double tick = (double)sysconf(_SC_CLK_TCK);
	fprintf(f, "%.2f %.2f %.2f %ld %.2f\n", wall, (double)own / tick, (double)children / tick, peak,
		machine_seconds() - machine);
	if (fclose(f) != 0)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
