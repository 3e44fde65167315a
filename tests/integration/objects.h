/* What a run has put into the output tree, looked into. */
#ifndef TESTS_INTEGRATION_OBJECTS_H
#define TESTS_INTEGRATION_OBJECTS_H

/* cr_expects the module and the eBPF object of the site's probe for the kernel `id`: whole, without a finding of the gate, the
 * module's vermagic that of `release` and its name `module`, programs in the object. */
void expect_good_objects(const char *id, const char *release, const char *module);

#endif
