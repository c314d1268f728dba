/* Fields as attributes of a struct.
 *
 * Owns `FieldReader`, the descriptor of a field, and a shorter way to the same value: Python looks an attribute up in
 * the type's cache and then asks the descriptor found there, which takes longer than reading the number.  Must not know
 * how structs are made.
 *
 * The shorter way is right as long as the class's own names lead to its readers.  Python gives a type a new version
 * number whenever an attribute of it or of a base changes, so that is looked at once for each version.
 */
#include "ints.h"

typedef struct {
    PyObject_HEAD
    Table *table;
    Py_ssize_t index;
} FieldReader;

static inline PyObject *read_field(const Field *field, Struct *s)
{
    if (field->kind < K_U128 && !field->members)
        return load_int(field->kind, s->data + field->offset);
    return read_value(field, s->data, s->size, s->owner ? s->owner : (PyObject *)s, s->table->type);
}

static PyObject *reader_get(PyObject *self, PyObject *obj, PyObject *type)
{
    (void)type;
    if (!obj)
        return Py_NewRef(self);
    const Field *field = &((FieldReader *)self)->table->fields[((FieldReader *)self)->index];
    /* safety: a struct's data has at least table->size bytes; a reader only reads structs of its own table */
    if (!is_struct_of(obj, ((FieldReader *)self)->table)) {
        PyErr_Format(PyExc_TypeError, "field %U does not belong to a %.200s", field->name, Py_TYPE(obj)->tp_name);
        return NULL;
    }
    return read_field(field, (Struct *)obj);
}

static int reader_set(PyObject *self, PyObject *obj, PyObject *value)
{
    (void)value;
    const Field *field = &((FieldReader *)self)->table->fields[((FieldReader *)self)->index];
    PyErr_Format(PyExc_AttributeError, "%.200s is immutable; use replace(%U=...)", Py_TYPE(obj)->tp_name, field->name);
    return -1;
}

static PyObject *reader_layout(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((FieldReader *)self)->table->fields[((FieldReader *)self)->index].layout);
}

static PyGetSetDef reader_getset[] = {{"layout", reader_layout, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};

PyTypeObject FieldReaderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.FieldReader",
    .tp_basicsize = sizeof(FieldReader),
    .tp_dealloc = (destructor)PyObject_Free,
    .tp_descr_get = reader_get,
    .tp_descr_set = reader_set,
    .tp_getset = reader_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

/* Whether each field's name in the class itself is the reader that was put there. */
static int leads_to_readers(PyTypeObject *cls, const Table *table)
{
    for (Py_ssize_t i = 0; i < table->field_count; i++) {
        PyObject *found = PyDict_GetItemWithError(cls->tp_dict, table->fields[i].name);
        if (!found || Py_TYPE(found) != &FieldReaderType || ((FieldReader *)found)->table != table ||
            ((FieldReader *)found)->index != i)
            return 0;
    }
    return 1;
}

static PyObject *struct_attribute(PyObject *self, PyObject *name)
{
    PyTypeObject *cls = Py_TYPE(self);
    Table *table = ((Struct *)self)->table;
    if (LIKELY(cls->tp_version_tag == table->direct))
        for (Py_ssize_t i = 0; i < table->field_count; i++)
            if (table->fields[i].name == name)
                return read_field(&table->fields[i], (Struct *)self);
    PyObject *value = PyObject_GenericGetAttr(self, name);
    unsigned version = cls->tp_version_tag; /* there is one now: the lookup asked for it */
    if (value && version && version != table->looked_at && (PyObject *)cls == table->cls) {
        table->looked_at = version;
        table->direct = leads_to_readers(cls, table) ? version : NO_VERSION;
    }
    return value;
}

/* The shorter way goes through the fields one by one. */
#define MOST_FIELDS 24

/* Puts the readers into the class.  One that has methods of elements, which are called more often than its fields are
 * read, keeps the usual lookup: the interpreter calls methods faster where it is in place. */
int read_by_attribute(PyTypeObject *cls, Table *table)
{
    for (Py_ssize_t i = 0; i < table->field_count; i++) {
        FieldReader *reader = PyObject_New(FieldReader, &FieldReaderType);
        if (!reader)
            return -1;
        reader->table = table;
        reader->index = i;
        int failed = PyObject_SetAttr((PyObject *)cls, table->fields[i].name, (PyObject *)reader);
        Py_DECREF(reader);
        if (failed < 0)
            return -1;
    }
    if (!table->vector_count && table->field_count <= MOST_FIELDS && cls->tp_getattro == PyObject_GenericGetAttr)
        cls->tp_getattro = struct_attribute;
    return 0;
}
