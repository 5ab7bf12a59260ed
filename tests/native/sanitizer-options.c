/* A shim has neither environment nor standard error: what the sanitizers find ends the process and is written down. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0:log_path=/tmp/gantry-sanitizer";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1:log_path=/tmp/gantry-sanitizer";
}
