/* A process that runs a plan, for a parent (a shim, or the client of a command) that runs the plan's host operations meanwhile. */
#ifndef GANTRY_CHILD_H
#define GANTRY_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run.h"

struct child_setup {
	int sync; /* its end of the connection that sync.h describes */
	const int *stdio; /* three fds for the slots of its standard streams */
	uint32_t preserved; /* fds from 3 on that it keeps */
	bool unprotect; /* our oom_score_adj was lowered for us alone */
	bool dies_with_us; /* as long as it is not the process that its plan clones */
};

/* Its pid, or -1 and errno. */
pid_t fork_child(const struct plan *plan, const struct child_setup *setup);
/* If the plan begins with `clone`, the parent clones by itself and saves the process in between. */
bool clones_first(const struct plan *plan);
bool has_mark(const struct plan *plan, uint32_t mark);
/* Behind the host operations that begin at `index`. */
uint32_t row_end(const struct plan *plan, uint32_t index);
/* Runs the host operations at `index` for the child, which waits, and lets it go on. Else the failure, and the child is killed. */
struct failure run_host_row(const struct plan *plan, uint32_t index, pid_t pid, int sync);

#endif
