#ifndef GANTRY_RUNC_H
#define GANTRY_RUNC_H

/* The client of a command of gantry-runc: finds the resident that serves it, or starts one, and does what that says. `launcher`: the
 * program that becomes the resident; `build`: the file that tells one build from another. Returns the exit code. */
int runc_main(char *launcher, const char *build);
/* Goes on behind run_sealed. */
int runc_sealed_main(void);

/* resident.c: a connection to the resident; or -1, and the user has been told. */
int connect_resident(char *launcher, const char *build);

#endif
