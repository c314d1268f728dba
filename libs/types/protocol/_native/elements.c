/* Methods that read one field of one element: `book.bid_price(i)`.
 *
 * Owns these methods.  The count is read from the bytes at every use and never believed beyond the capacity.
 * `_python/vectors.py` is the specification.
 *
 * The interpreter calls a built-in method itself, and any other object by way of its type, which takes as long as the
 * reading.  A built-in method is a C function, and a C function cannot tell which method it was called as.  So there are
 * a few dozen of them that differ in a number only; methods that are declared later are objects, and a little slower.
 */
#include "ints.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Table *table;
    const Field *vector, *part;
    int number; /* the part is a plain integer of up to 8 bytes */
} ElementReader;

/* What is not taken at once: other structs, negative and wrong indices, parts that are no plain integers. */
static PyObject *element_of(const ElementReader *reader, PyObject *object, PyObject *which)
{
    const Field *vector = reader->vector;
    if (!is_struct_of(object, reader->table))
        return PyErr_Format(PyExc_TypeError, "does not belong to a %.200s", Py_TYPE(object)->tp_name);
    const Struct *s = (Struct *)object;
    Py_ssize_t index = PyNumber_AsSsize_t(which, NULL);
    if (index == -1 && PyErr_Occurred())
        return NULL;
    const uint8_t *at = s->data + vector->offset;
    Py_ssize_t count = get16(at);
    if (count > (Py_ssize_t)vector->capacity)
        return refuse_count(vector->layout, (unsigned)count, s->table->type, 0, 0);
    if (index < -count || index >= count)
        return PyErr_Format(PyExc_IndexError, "index %S in a vector of %zd", which, count);
    index = index < 0 ? index + count : index;
    at += vector->first + index * (Py_ssize_t)vector->element_size;
    return read_value(reader->part, at, vector->element_size, s->owner ? s->owner : object, 0);
}

static PyObject *read_element(const ElementReader *reader, PyObject *object, PyObject *which)
{
    const Field *vector = reader->vector, *part = reader->part;
    uint64_t index;
    if (LIKELY(reader->number && is_struct_of(object, reader->table) && plain_bits(which, &index))) {
        const uint8_t *at = ((Struct *)object)->data + vector->offset;
        uint32_t count = get16(at);
        /* safety: the table's vectors lie inside the struct, with room for as many elements as the capacity says */
        if (LIKELY(index < count && count <= vector->capacity))
            return load_int(part->kind, at + vector->first + index * vector->element_size + part->offset);
    }
    return element_of(reader, object, which);
}

/* --- as built-in methods --- */

#define EIGHT(method, n) \
    method(0##n##0) method(0##n##1) method(0##n##2) method(0##n##3) \
    method(0##n##4) method(0##n##5) method(0##n##6) method(0##n##7)
#define EACH(method) EIGHT(method, 0) EIGHT(method, 1) EIGHT(method, 2) EIGHT(method, 3)
enum { BUILT_IN = 4 * 8 }; /* their numbers are octal: 000 to 037 */

static ElementReader *readers[BUILT_IN]; /* they live as long as the process, as the classes do */
static size_t used;

#define FUNCTION(n)                                                 \
    static PyObject *element_##n(PyObject *object, PyObject *which) \
    {                                                               \
        return read_element(readers[n], object, which);             \
    }
EACH(FUNCTION)

#define METHOD(n) {NULL, element_##n, METH_O, "One field of the element with this index, read in place."},
static PyMethodDef element_methods[BUILT_IN] = {EACH(METHOD)};

/* --- as objects --- */

static PyObject *element_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (PyVectorcall_NARGS(nargsf) == 2 && (!kwnames || PyTuple_GET_SIZE(kwnames) == 0))
        return read_element((ElementReader *)self, args[0], args[1]);
    PyErr_SetString(PyExc_TypeError, "takes one index");
    return NULL;
}

static PyObject *element_get(PyObject *self, PyObject *obj, PyObject *type)
{
    (void)type;
    return obj ? PyMethod_New(self, obj) : Py_NewRef(self);
}

PyTypeObject ElementReaderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.ElementReader",
    .tp_basicsize = sizeof(ElementReader),
    .tp_vectorcall_offset = offsetof(ElementReader, call),
    .tp_call = PyVectorcall_Call,
    .tp_descr_get = element_get,
    .tp_dealloc = (destructor)PyObject_Free,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

PyObject *element_method(PyObject *module, PyObject *args)
{
    PyObject *owner, *called, *vector, *name;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!UUU:element_method", &PyType_Type, &owner, &called, &vector, &name))
        return NULL;
    Table *table = table_of((PyTypeObject *)owner);
    ElementReader *self = table ? PyObject_New(ElementReader, &ElementReaderType) : NULL;
    if (!self)
        return NULL;
    self->call = element_call;
    self->table = table;
    self->vector = self->part = NULL;
    for (Py_ssize_t i = 0; i < table->field_count; i++)
        if (table->fields[i].kind == K_VECTOR && PyUnicode_Compare(table->fields[i].name, vector) == 0)
            self->vector = &table->fields[i];
    const Table *inner = self->vector ? self->vector->inner : NULL;
    for (Py_ssize_t i = 0; inner && i < inner->field_count; i++)
        if (PyUnicode_Compare(inner->fields[i].name, name) == 0)
            self->part = &inner->fields[i];
    if (!self->part) {
        Py_DECREF(self);
        return PyErr_Format(PyExc_ValueError, "no vector %U whose elements have a field %U", vector, name);
    }
    self->number = self->part->kind < K_U128 && !self->part->members;
    if (used == BUILT_IN)
        return (PyObject *)self;
    PyMethodDef *method = &element_methods[used];
    method->ml_name = PyUnicode_AsUTF8(called);
    PyObject *made = method->ml_name ? PyDescr_NewMethod((PyTypeObject *)owner, method) : NULL;
    if (!made) {
        Py_DECREF(self);
        return NULL;
    }
    Py_INCREF(called); /* it owns the text */
    readers[used++] = self;
    return made;
}
