/* Bounded vectors: reading elements in place.
 *
 * Owns `VectorBase`, the storage class below `FixedVec`.  The count is read from the bytes at every use and never believed
 * beyond the capacity: a vector may be a view on memory that changes.  `_python/vectors.py` is the specification.
 */
#include "ints.h"

PyObject *refuse_count(PyObject *kind, unsigned count, int type, uint32_t offset, uint32_t size)
{
    return disagree(PyObject_CallFunction(core.refuse_count, "OIiII", kind, count, type, offset, size), "a vector's count");
}

static Vector *make(PyTypeObject *cls, const uint8_t *data, PyObject *owner, const Field *field, int is_mutable)
{
    Vector *self = (Vector *)cls->tp_alloc(cls, 0);
    if (self) {
        self->data = data;
        self->owner = Py_NewRef(owner);
        self->field = field;
        self->mutable_ = is_mutable;
    }
    return self;
}

PyObject *vector_open(const Field *field, const uint8_t *base, PyObject *owner, int type)
{
    unsigned count = get16(base + field->offset);
    if (count > field->capacity)
        return refuse_count(field->layout, count, type, 0, 0);
    return (PyObject *)make(core.vector_class, base + field->offset, owner, field, 0);
}

/* open_vector(cls, bytearray, kind): a vector that owns its bytes. */
PyObject *open_vector(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *cls, *storage, *kind;
    if (!PyArg_ParseTuple(args, "O!O!O", &PyType_Type, &cls, &PyByteArray_Type, &storage, &kind))
        return NULL;
    PyObject *row = PyObject_CallOneArg(core.vector_row, kind);
    Field *field = row ? PyMem_Calloc(1, sizeof(Field)) : NULL;
    if (!field || fill_field(field, row) < 0) {
        Py_XDECREF(row);
        PyMem_Free(field);
        return NULL;
    }
    Py_DECREF(row);
    Span span;
    if (span_of(storage, &span) < 0) {
        PyMem_Free(field);
        return NULL;
    }
    Vector *made = NULL;
    if (span.size < (Py_ssize_t)field->size)
        PyErr_SetString(PyExc_ValueError, "the storage is too small for the vector");
    else
        made = make((PyTypeObject *)cls, span.data, span.owner, field, 1);
    Py_DECREF(span.owner);
    if (!made)
        PyMem_Free(field);
    return (PyObject *)made;
}

void vector_dealloc(PyObject *self)
{
    Vector *vector = (Vector *)self;
    PyTypeObject *cls = Py_TYPE(self);
    if (vector->mutable_) { /* its field is its own */
        Field *field = (Field *)vector->field;
        Py_XDECREF(field->name);
        Py_XDECREF(field->layout);
        Py_XDECREF(field->members);
        Py_XDECREF(field->cls);
        PyMem_Free(field);
    }
    Py_XDECREF(vector->owner);
    cls->tp_free(self);
    if (cls->tp_dealloc == vector_dealloc) /* else the dealloc of Python classes, which came here, does it */
        Py_DECREF(cls);
}

/* How many elements there are; -1 with an error set when the count is above the capacity. */
static Py_ssize_t length(const Vector *self)
{
    unsigned count = get16(self->data);
    if (count <= self->field->capacity)
        return count;
    PyObject *kind = PyObject_GetAttrString((PyObject *)self, "_kind");
    if (kind) {
        refuse_count(kind, count, 0, 0, 0);
        Py_DECREF(kind);
    }
    return -1;
}

static PyObject *element_at(const Vector *self, Py_ssize_t index)
{
    const Field *field = self->field;
    const uint8_t *slot = self->data + field->first + index * (Py_ssize_t)field->element_size;
    if (field->element != K_STRUCT)
        return read_int(field->element, slot);
    return struct_view((PyTypeObject *)field->cls, field->inner, slot, field->element_size, self->owner);
}

static Py_ssize_t vector_length(PyObject *self) { return length((Vector *)self); }

static PyObject *list_of(const Vector *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *item = element_at(self, start + i * step);
        if (item)
            PyList_SET_ITEM(list, i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *vector_subscript(PyObject *self, PyObject *key)
{
    Py_ssize_t start, stop, step, count;
    if (PySlice_Check(key)) {
        if ((count = length((Vector *)self)) < 0 || PySlice_Unpack(key, &start, &stop, &step) < 0)
            return NULL;
        count = PySlice_AdjustIndices(count, &start, &stop, step); /* changes start, so not among the arguments */
        return list_of((Vector *)self, start, step, count);
    }
    Py_ssize_t index = PyNumber_AsSsize_t(key, NULL); /* one out of range is outside of every vector, too */
    if (index == -1 && PyErr_Occurred())
        return NULL;
    if ((count = length((Vector *)self)) < 0) /* counted now: finding out the index may have changed the memory */
        return NULL;
    if (index < -count || index >= count)
        return PyErr_Format(PyExc_IndexError, "index %S in a vector of %zd", key, count);
    return element_at((Vector *)self, index < 0 ? index + count : index);
}

static PyObject *vector_iter(PyObject *self)
{
    Py_ssize_t count = length((Vector *)self);
    PyObject *list = count < 0 ? NULL : list_of((Vector *)self, 0, 1, count);
    PyObject *iterator = list ? PyObject_GetIter(list) : NULL;
    Py_XDECREF(list);
    return iterator;
}

static PyObject *vector_to_tuples(PyObject *self, PyObject *unused)
{
    (void)unused;
    const Vector *vector = (Vector *)self;
    PyObject *list = vector_tuples(vector->field, vector->data, vector->owner);
    if (!list && !PyErr_Occurred() && length(vector) >= 0)
        PyErr_SetString(PyExc_BufferError, "the memory of the vector changed while it was read");
    return list;
}

static PyObject *vector_storage(PyObject *self, PyObject *unused)
{
    (void)unused;
    Vector *v = (Vector *)self;
    Py_ssize_t count = length(v);
    if (count < 0)
        return NULL;
    return region(v->data + v->field->first, count * (Py_ssize_t)v->field->element_size, v->owner, !v->mutable_);
}

static PyObject *vector_memory(PyObject *self, PyObject *unused)
{
    (void)unused;
    Vector *v = (Vector *)self;
    return region(v->data, v->field->size, v->owner, !v->mutable_);
}

static PyObject *vector_capacity(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLong((long)((Vector *)self)->field->capacity);
}

static PyObject *vector_kind(PyObject *self, void *unused)
{
    (void)unused;
    const Vector *vector = (Vector *)self;
    if (vector->mutable_)
        return Py_NewRef(vector->field->layout); /* a vector of its own was made of the kind itself */
    return PyObject_GetAttrString(vector->field->layout, "kind");
}

static PyObject *vector_mutable(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((Vector *)self)->mutable_);
}

static PyGetSetDef vector_getset[] = {
    {"capacity", vector_capacity, NULL, "How many elements there is room for.", NULL},
    {"_kind", vector_kind, NULL, NULL, NULL},
    {"_mutable", vector_mutable, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef vector_methods[] = {
    {"to_tuples", vector_to_tuples, METH_NOARGS,
     "All elements as plain values: a tuple of the fields for structs, ints for numbers."},
    {"_storage", vector_storage, METH_NOARGS, NULL},
    {"_memory", vector_memory, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMappingMethods vector_mapping = {.mp_length = vector_length, .mp_subscript = vector_subscript};
static PySequenceMethods vector_sequence = {.sq_length = vector_length};

PyTypeObject VectorType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.VectorBase",
    .tp_doc = "A view on one vector.",
    .tp_basicsize = sizeof(Vector),
    .tp_dealloc = vector_dealloc,
    .tp_iter = vector_iter,
    .tp_as_mapping = &vector_mapping,
    .tp_as_sequence = &vector_sequence,
    .tp_methods = vector_methods,
    .tp_getset = vector_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};
