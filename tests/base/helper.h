/* The program that tests start: this test program itself, as `helper_program() helper NAME ...` (main.c lists the names). */
#ifndef TESTS_BASE_HELPER_H
#define TESTS_BASE_HELPER_H

const char *helper_program(void);
/* For it to start with: Criterion's own variables would make it one of Criterion's workers. */
extern const char *const helper_environment[];

#endif
