/* Structs: storage, construction, comparison.
 *
 * Owns `StructBase`, the storage class below every declared struct; and `bind`, which puts the class's table and the
 * readers of its fields (attributes.c) into a declared class.  Must not know messages.
 * `_python/structs.py` is the specification.
 */
#include "ints.h"
#include "walk.h"

static inline Struct *allocate(PyTypeObject *cls, Table *table, Py_ssize_t own)
{
    Struct *self = (Struct *)cls->tp_alloc(cls, own);
    if (self) {
        self->data = self->own;
        self->table = table;
        self->size = own;
    }
    return self;
}

/* Views come and go with every message, so their memory is kept for the next one.  They all have the same size: a view
 * stores no bytes of its own. */
#ifndef KEPT_VIEWS
#define KEPT_VIEWS 64
#endif
static Struct *kept_views[KEPT_VIEWS];
static int kept_view_count;

static void struct_dealloc(PyObject *self);

PyObject *struct_view(PyTypeObject *cls, Table *table, const uint8_t *data, Py_ssize_t size, PyObject *owner)
{
    Struct *self;
    if (kept_view_count && cls->tp_dealloc == struct_dealloc) {
        self = kept_views[--kept_view_count];
        Py_SET_SIZE(self, 0);
        PyObject_Init((PyObject *)self, cls);
        self->table = table;
    }
    else if (!(self = allocate(cls, table, 0)))
        return NULL;
    self->data = data;
    self->size = size;
    self->owner = Py_NewRef(owner);
    return (PyObject *)self;
}

static PyObject *from_bytes(PyTypeObject *cls, Table *table, PyObject *packed)
{
    if (!packed)
        return NULL;
    if (!PyBytes_Check(packed) || PyBytes_GET_SIZE(packed) < (Py_ssize_t)table->size) {
        Py_DECREF(packed); /* a tail can be of a class that adds up to something else */
        return PyErr_Format(PyExc_TypeError, "%.200s() cannot be made of these values", cls->tp_name);
    }
    Struct *self = allocate(cls, table, PyBytes_GET_SIZE(packed));
    if (self)
        memcpy(self->own, PyBytes_AS_STRING(packed), (size_t)PyBytes_GET_SIZE(packed));
    Py_DECREF(packed);
    return (PyObject *)self;
}

/* The index of the field called `name`; `guess` is where it stands when keywords come in the order of the fields. */
static inline Py_ssize_t field_index(const Table *table, PyObject *name, Py_ssize_t guess)
{
    if (guess < table->field_count && table->fields[guess].name == name)
        return guess;
    for (Py_ssize_t i = 0; i < table->field_count; i++)
        if (table->fields[i].name == name)
            return i;
    return -1; /* unknown, or a string that is equal but not interned: the Python side decides */
}

static PyObject *construct_slow(PyTypeObject *cls, Table *table, PyObject *kwargs)
{
    PyObject *empty = kwargs ? NULL : PyDict_New();
    if (!kwargs && !empty)
        return NULL;
    PyObject *packed = PyObject_CallFunctionObjArgs(core.pack_slow, (PyObject *)cls, kwargs ? kwargs : empty, NULL);
    Py_XDECREF(empty);
    return from_bytes(cls, table, packed);
}

/* Builds in place from `count` names and values; NULL without an error set when something was not accepted. */
static PyObject *construct_fast(PyTypeObject *cls, Table *table, PyObject *names, PyObject *const *values)
{
    Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
    if (table->tail || count > table->field_count)
        return NULL;
    Struct *self = allocate(cls, table, table->size);
    if (!self)
        return NULL;
    memcpy(self->own, table->defaults, table->size);
    uint64_t given = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t at = field_index(table, PyTuple_GET_ITEM(names, i), i);
        /* safety: every field lies within table->size bytes, which is what was allocated */
        if (at < 0 || write_value(&table->fields[at], self->own + table->fields[at].offset, values[i]) != 1) {
            Py_DECREF(self);
            return NULL;
        }
        given |= 1ull << at;
    }
    if (table->required & ~given) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int refuse_positional(PyTypeObject *cls, Py_ssize_t count)
{
    if (count == 0)
        return 0;
    PyErr_Format(PyExc_TypeError, "%.200s() takes its fields by keyword, got %zd positional arguments", cls->tp_name,
                 count);
    return -1;
}

static PyObject *struct_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyTypeObject *cls = (PyTypeObject *)type;
    Table *table = table_of(cls);
    if (!table || refuse_positional(cls, PyVectorcall_NARGS(nargsf)) < 0)
        return NULL;
    PyObject *made = construct_fast(cls, table, kwnames, args);
    if (made || PyErr_Occurred())
        return made;
    PyObject *kwargs = PyDict_New();
    for (Py_ssize_t i = 0; kwargs && kwnames && i < PyTuple_GET_SIZE(kwnames); i++)
        if (PyDict_SetItem(kwargs, PyTuple_GET_ITEM(kwnames, i), args[i]) < 0)
            Py_CLEAR(kwargs);
    if (!kwargs)
        return NULL;
    made = construct_slow(cls, table, kwargs);
    Py_DECREF(kwargs);
    return made;
}

static PyObject *struct_new(PyTypeObject *cls, PyObject *args, PyObject *kwargs)
{
    Table *table = table_of(cls);
    if (!table || refuse_positional(cls, PyTuple_GET_SIZE(args)) < 0)
        return NULL;
    return construct_slow(cls, table, kwargs);
}

static void struct_dealloc(PyObject *self)
{
    PyTypeObject *cls = Py_TYPE(self);
    Py_XDECREF(((Struct *)self)->owner);
    if (cls->tp_dealloc != struct_dealloc) { /* came from the dealloc of Python classes, which lets go of the class */
        cls->tp_free(self);
        return;
    }
    if (Py_SIZE(self) == 0 && kept_view_count < KEPT_VIEWS && !PyType_IS_GC(cls))
        kept_views[kept_view_count++] = (Struct *)self;
    else
        cls->tp_free(self);
    Py_DECREF(cls);
}

static PyObject *struct_from_buffer(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    PyTypeObject *cls = (PyTypeObject *)type;
    Table *table = table_of(cls);
    PyObject *buf = NULL, *where = core.bytes[0];
    const Parameter parameters[] = {{core.s_buf, &buf}, {core.s_offset, &where}};
    if (!table || take_arguments("from_buffer", parameters, 2, 2, args, nargs, kwnames) < 0)
        return NULL;
    if (!buf)
        return PyErr_Format(PyExc_TypeError, "from_buffer takes a buffer and an offset");
    Py_ssize_t offset = PyNumber_AsSsize_t(where, NULL); /* one out of range is out of every buffer, too */
    if (offset == -1 && PyErr_Occurred())
        return NULL;
    Span span;
    if (span_of(buf, &span) < 0)
        return NULL;
    PyObject *made = NULL;
    if (offset < 0 || offset > span.size || span.size - offset < (Py_ssize_t)table->size)
        made = disagree(PyObject_CallFunction(core.refuse_struct, "OInO", cls, table->size, span.size, where),
                        "from_buffer");
    else if (counts_fit(table, span.data + offset))
        made = struct_view(cls, table, span.data + offset, table->tail ? span.size - offset : (Py_ssize_t)table->size,
                           span.owner);
    else {
        for (Py_ssize_t i = 0; i < table->vector_count; i++) { /* the first that does not open says why */
            const Field *field = &table->fields[table->vectors[i]];
            PyObject *opened = vector_open(field, span.data + offset, span.owner, table->type);
            if (!opened)
                break;
            Py_DECREF(opened);
        }
    }
    Py_DECREF(span.owner);
    return made;
}

static PyObject *struct_bytes(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBytes_FromStringAndSize((const char *)((Struct *)self)->data, ((Struct *)self)->size);
}

static int struct_buffer(PyObject *self, Py_buffer *view, int flags)
{
    Struct *s = (Struct *)self;
    return PyBuffer_FillInfo(view, self, (void *)s->data, s->size, 1, flags);
}

/* Set to zero what a writer sets to zero in `own`, the bytes of a struct.  0 when that is left to the Python side. */
int clear_padding(const Table *table, uint8_t *own)
{
    if (table->deep)
        return 0;
    for (Py_ssize_t i = 0; i < table->gap_count; i++)
        memset(own + table->gaps[i][0], 0, table->gaps[i][1]);
    for (Py_ssize_t i = 0; i < table->vector_count; i++) {
        const Field *field = &table->fields[table->vectors[i]];
        uint8_t *vector = own + field->offset;
        uint32_t count = get16(vector), used = field->first + count * field->element_size;
        if (count > field->capacity)
            return 0;
        /* safety: the count is within the capacity, so `used` is within the vector */
        memset(vector + 2, 0, field->first - 2u);
        memset(vector + used, 0, field->size - used);
        for (uint32_t slot = 0; field->inner && field->inner->gap_count && slot < count; slot++)
            if (!clear_padding(field->inner, vector + field->first + slot * field->element_size))
                return 0;
    }
    return 1;
}

/* The bytes a writer would make of the same values. */
static PyObject *canonical(PyObject *self)
{
    PyObject *bytes = struct_bytes(self, NULL);
    if (!bytes || clear_padding(((Struct *)self)->table, (uint8_t *)PyBytes_AS_STRING(bytes)))
        return bytes;
    Py_DECREF(bytes);
    return PyObject_CallOneArg(core.canonical, self);
}

static PyObject *struct_richcompare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(self) != Py_TYPE(other))
        Py_RETURN_NOTIMPLEMENTED;
    const Struct *a = (Struct *)self, *b = (Struct *)other;
    int equal = a->size == b->size && memcmp(a->data, b->data, (size_t)a->size) == 0;
    if (!equal && (a->table->gap_count || a->table->vector_count)) { /* padding and unused slots are no part of it */
        PyObject *left = canonical(self), *right = left ? canonical(other) : NULL;
        equal = right ? PyObject_RichCompareBool(left, right, Py_EQ) : -1;
        Py_XDECREF(left);
        Py_XDECREF(right);
        if (equal < 0)
            return NULL;
    }
    return PyBool_FromLong(op == Py_EQ ? equal : !equal);
}

static Py_hash_t struct_hash(PyObject *self)
{
    PyObject *bytes = canonical(self);
    if (!bytes)
        return -1;
    Py_hash_t hash = PyObject_Hash(bytes);
    Py_DECREF(bytes);
    return hash;
}

static PyMethodDef struct_methods[] = {
    {"from_buffer", (PyCFunction)(void (*)(void))struct_from_buffer, METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "A view on the bytes at `offset`; copies nothing and keeps `buf` alive."},
    {"__bytes__", struct_bytes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyBufferProcs struct_as_buffer = {.bf_getbuffer = struct_buffer};

PyTypeObject StructType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.StructBase",
    .tp_doc = "Immutable object over bytes of a buffer.  Made by keyword arguments, or by from_buffer.",
    .tp_basicsize = offsetof(Struct, own),
    .tp_itemsize = 1,
    .tp_dealloc = struct_dealloc,
    .tp_new = struct_new,
    .tp_richcompare = struct_richcompare,
    .tp_hash = struct_hash,
    .tp_methods = struct_methods,
    .tp_as_buffer = &struct_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

/* --- declared classes --- */

/* A class made by a class statement is tracked by the garbage collector and has a dealloc for everything a class may have.
 * Ours hold one reference, to an owner of bytes, which knows nothing of them: no cycle can go through it.  There are no
 * instances yet, so the class can still be told. */
void lighten(PyTypeObject *cls, destructor dealloc)
{
    if (cls->tp_dictoffset || cls->tp_weaklistoffset || cls->tp_finalize)
        return;
    cls->tp_dealloc = dealloc;
    cls->tp_flags &= ~Py_TPFLAGS_HAVE_GC;
    cls->tp_free = PyObject_Free;
    cls->tp_traverse = NULL;
    cls->tp_clear = NULL;
}

PyObject *codec_bind(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *cls, *layout;
    if (!PyArg_ParseTuple(args, "O!O", &PyType_Type, &cls, &layout))
        return NULL;
    if (!PyType_IsSubtype((PyTypeObject *)cls, &StructType))
        return PyErr_Format(PyExc_TypeError, "bind takes a subclass of StructBase");
    Table *table = make_table(cls, layout);
    if (!table)
        return NULL;
    PyObject *number = PyObject_GetAttr(cls, core.s_type);
    if (number)
        table->type = (int)PyLong_AsLong(number);
    Py_XDECREF(number);
    PyErr_Clear();
    if (PyObject_SetAttrString(cls, "__layout__", layout) < 0 || PyObject_SetAttr(cls, core.s_table, (PyObject *)table) < 0)
        return NULL;
    if (read_by_attribute((PyTypeObject *)cls, table) < 0)
        return NULL;
    /* Calls of the class go straight to construction.  A metaclass written in Python does not inherit the flag that
     * says so before 3.12; it calls classes as `type` does, so it is right for it.  A class
     * with an __init__ or __new__ of its own is called the long way. */
    PyTypeObject *metaclass = Py_TYPE(cls);
    int own_making = ((PyTypeObject *)cls)->tp_new != struct_new || ((PyTypeObject *)cls)->tp_init != PyBaseObject_Type.tp_init;
    if (metaclass->tp_call == PyType_Type.tp_call && !own_making) {
        metaclass->tp_vectorcall_offset = PyType_Type.tp_vectorcall_offset;
        metaclass->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        ((PyTypeObject *)cls)->tp_vectorcall = struct_vectorcall;
    }
    lighten((PyTypeObject *)cls, struct_dealloc);
    Py_RETURN_NONE;
}
