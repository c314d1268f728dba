/* A libFuzzer target that embeds the interpreter and hands every input to one Python function.
 *
 * Owns the life of the interpreter, and what counts as a finding: any exception that leaves the function ends the
 * process with its traceback, so that libFuzzer keeps the input.  Must not know the codec; what an input does is said in
 * `target.py`, which is imported once.
 *
 * Why not atheris: it is made for the coverage of Python code, and here the C files are what is to be covered.  With the
 * same target, corpus and extension, side by side on a busy machine for 40 seconds, it made 67 executions a second and
 * this harness 61, both with 1,050 edges: all of the time is spent in the target.  So what decides is what they need:
 * atheris a wheel for each version of Python and a sanitizer to be preloaded, this nothing but clang.
 *
 * FUZZ_PYTHON names the interpreter whose environment is used, FUZZ_TARGET the module; `run.py` sets both.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static PyObject *one_input;

/* AddressSanitizer asks for these before anything else runs.  The interpreter keeps objects until it ends, which the
 * leak checker cannot tell from a leak; run.py watches the growth of the process instead. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1:halt_on_error=1"; }

static void give_up(const char *what)
{
    fprintf(stderr, "harness: %s\n", what);
    if (PyErr_Occurred())
        PyErr_Print();
    fflush(NULL);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *python = getenv("FUZZ_PYTHON"), *target = getenv("FUZZ_TARGET");
    (void)argc, (void)argv;
    if (!python || !target)
        give_up("FUZZ_PYTHON and FUZZ_TARGET are not set; start it with run.py");
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0; /* libFuzzer has its own */
    PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, python);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
    PyObject *module = PyImport_ImportModule(target);
    one_input = module ? PyObject_GetAttrString(module, "one_input") : NULL;
    Py_XDECREF(module);
    if (!one_input)
        give_up("the target cannot be imported");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *done = bytes ? PyObject_CallOneArg(one_input, bytes) : NULL;
    Py_XDECREF(bytes);
    if (!done)
        give_up("this input has shown a defect:");
    Py_DECREF(done);
    return 0;
}
