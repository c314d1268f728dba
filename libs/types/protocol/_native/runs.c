/* Runs: messages that follow each other in a buffer and whose numbers follow each other.
 *
 * Owns `message_runs`, which reads the headers of checked messages and nothing else.  Must not check a message, beyond
 * what reading in bounds takes.  `_python/runs.py` has the same behaviour and says what a run is.
 */
#include "core.h"

typedef struct {
    Py_ssize_t begin, end;
    uint8_t source;
    uint64_t first, last, timestamp;
    int apart;
} Run;

static int append_run(PyObject *list, const Run *run)
{
    PyObject *made = Py_BuildValue("(nniKKKO)", run->begin, run->end, (int)run->source, (unsigned long long)run->first,
                                   (unsigned long long)run->last, (unsigned long long)run->timestamp,
                                   run->apart ? Py_True : Py_False);
    int status = made ? PyList_Append(list, made) : -1;
    Py_XDECREF(made);
    return status;
}

/* Where the message at `at` ends; -1 where it is not whole. */
static Py_ssize_t end_of(const Span *span, Py_ssize_t at)
{
    if (span->size - at < HEADER_SIZE)
        return -1;
    uint32_t size = get32(span->data + at + 24);
    return size > (uint64_t)(span->size - at - HEADER_SIZE) ? -1 : at + HEADER_SIZE + (Py_ssize_t)size;
}

PyObject *message_runs(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    uint8_t apart[256] = {0};
    Span span;
    (void)module;
    if (nargs != 2 || !PyBytes_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "message_runs takes a buffer, and type numbers as bytes");
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(args[1]); i++)
        apart[(uint8_t)PyBytes_AS_STRING(args[1])[i]] = 1;
    if (span_of(args[0], &span) < 0)
        return NULL;

    PyObject *list = PyList_New(0);
    Run run = {.end = -1};
    Py_ssize_t at = 0, end;
    for (; list && (end = end_of(&span, at)) >= 0; at = end) {
        const uint8_t *header = span.data + at;
        uint8_t source = header[6];
        uint64_t number = get64(header + 8);
        int alone = end > at + HEADER_SIZE && apart[header[HEADER_SIZE]];
        if (run.end < 0 || alone || run.apart || source != run.source || number == 0 ||
            number != run.last + 1) {
            if (run.end >= 0 && append_run(list, &run) < 0)
                Py_CLEAR(list);
            run = (Run){.begin = at, .source = source, .first = number, .apart = alone};
        }
        run.end = end;
        run.last = number;
        run.timestamp = get64(header + 16);
    }
    if (list && run.end >= 0 && append_run(list, &run) < 0)
        Py_CLEAR(list);
    Py_DECREF(span.owner);
    return list ? Py_BuildValue("(Nn)", list, at) : NULL;
}
