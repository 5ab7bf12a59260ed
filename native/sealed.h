#ifndef GANTRY_SEALED_H
#define GANTRY_SEALED_H

#include <stdbool.h>

/* Goes on from a sealed copy in memory: no process of a container can change the program of the next one (CVE-2019-5736). Returns only
 * if that fails. */
int run_sealed(char **arguments);
bool sealed(void);

#endif
