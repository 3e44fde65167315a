/* Small probes, written into a directory. Their module version is 1.0. */
#ifndef TESTS_INTEGRATION_PROBES_H
#define TESTS_INTEGRATION_PROBES_H

/* An eBPF object alone, which is built in an instant. before: lines for the shell that its build command runs first; "" none. They
 * may set FLAGS: with -DNOISE the bytes of a file `noise` become part of the object. */
void probe_put_bpf(const char *dir, const char *name, const char *before);
/* A kernel module alone. source: put before the rest of hello.c. */
void probe_put_mod(const char *dir, const char *name, const char *source);
/* Both, from the files of the two above, with floors of their own. */
void probe_put_both(const char *dir, const char *name, const char *mod_floor, const char *bpf_before);
/* Our own probe into the site's directory, under a name that leaves the user's own images alone. Returns its module version; caller
 * frees. */
char *probe_put_ours(void);

#endif
