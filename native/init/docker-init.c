// Process 1 of a container that was asked for with --init, mounted at /sbin/docker-init: runs the command, passes signals on to it,
// reaps what others leave behind, and ends as the command does.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Left to the kernel: the process's own faults, and what a terminal sends to those in its background.
static const int own[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

static _Noreturn void run(char **command, const sigset_t *mask) {
  setpgid(0, 0);
  tcsetpgrp(STDIN_FILENO, getpgrp()); // in the foreground, if there is a terminal
  signal(SIGTTIN, SIG_DFL);
  signal(SIGTTOU, SIG_DFL);
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(command[0], command);
  int error = errno;
  fprintf(stderr, "[FATAL docker-init (%d)] exec %s failed: %s\n", getpid(), command[0], strerror(error));
  _exit(error == ENOENT ? 127 : error == EACCES ? 126 : 1);
}

// Collects whoever has ended; true once `child` is among them, with its exit code.
static int reaped(pid_t child, int *code) {
  int status, found = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != child) continue;
    *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    found = 1;
  }
  return found;
}

int main(int argc, char **argv) {
  char **command = argv + (argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1);
  if (*command == NULL) return 1;
  sigset_t waited, before;
  sigfillset(&waited);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&waited, own[i]);
  sigprocmask(SIG_SETMASK, &waited, &before);
  signal(SIGTTIN, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) run(command, &before);
  for (int number, code = 0;;) {
    if (sigwait(&waited, &number) != 0) continue;
    if (number != SIGCHLD) kill(child, number);
    if (reaped(child, &code)) return code;
  }
}
