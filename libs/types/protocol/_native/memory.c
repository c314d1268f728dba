/* Other people's bytes: spans of any buffer, and memoryviews over bytes that an object of ours keeps alive.
 *
 * Owns `Holder` (keeps a Py_buffer, so that the memory of a bytearray or an array stays where it is) and `Region` (an
 * exporter of a part of somebody's bytes, for memoryviews).  Must not know what the bytes mean.
 */
#include "core.h"

typedef struct {
    PyObject_HEAD
    Py_buffer view;
} Holder;

typedef struct {
    PyObject_HEAD
    const uint8_t *data;
    Py_ssize_t size;
    PyObject *owner;
    int readonly;
} Region;

static void holder_dealloc(PyObject *self)
{
    PyBuffer_Release(&((Holder *)self)->view);
    PyObject_Free(self);
}

PyTypeObject HolderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Holder",
    .tp_basicsize = sizeof(Holder),
    .tp_dealloc = holder_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static int region_buffer(PyObject *self, Py_buffer *view, int flags)
{
    Region *region = (Region *)self;
    return PyBuffer_FillInfo(view, self, (void *)region->data, region->size, region->readonly, flags);
}

static void region_dealloc(PyObject *self)
{
    Py_XDECREF(((Region *)self)->owner);
    PyObject_Free(self);
}

static PyBufferProcs region_as_buffer = {.bf_getbuffer = region_buffer};

PyTypeObject RegionType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Region",
    .tp_basicsize = sizeof(Region),
    .tp_dealloc = region_dealloc,
    .tp_as_buffer = &region_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

int buffer_of(PyObject *buf, Py_buffer *view)
{
    if (PyObject_GetBuffer(buf, view, PyBUF_SIMPLE) == 0)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_ValueError)) /* what numpy says of an array with gaps */
        PyErr_SetString(PyExc_BufferError, "the underlying buffer is not C-contiguous");
    return -1;
}

int span_of(PyObject *buf, Span *span)
{
    if (PyBytes_CheckExact(buf)) {
        span->data = (const uint8_t *)PyBytes_AS_STRING(buf);
        span->size = PyBytes_GET_SIZE(buf);
        span->owner = Py_NewRef(buf);
        return 0;
    }
    Holder *holder = PyObject_New(Holder, &HolderType);
    if (!holder)
        return -1;
    holder->view.obj = NULL; /* so that the dealloc after a failure releases nothing */
    if (buffer_of(buf, &holder->view) < 0) {
        Py_DECREF(holder);
        return -1;
    }
    span->data = holder->view.buf;
    span->size = holder->view.len;
    span->owner = (PyObject *)holder;
    return 0;
}

PyObject *region(const uint8_t *data, Py_ssize_t size, PyObject *owner, int readonly)
{
    Region *made = PyObject_New(Region, &RegionType);
    if (!made)
        return NULL;
    made->data = data;
    made->size = size;
    made->owner = Py_XNewRef(owner);
    made->readonly = readonly;
    PyObject *view = PyMemoryView_FromObject((PyObject *)made);
    Py_DECREF(made);
    return view;
}
