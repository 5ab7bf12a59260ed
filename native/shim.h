#ifndef GANTRY_SHIM_H
#define GANTRY_SHIM_H

/* The parent of one container's processes. */
int shim_main(const char *id, const char *directory);

#endif
