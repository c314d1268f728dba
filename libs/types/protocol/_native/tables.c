/* Tables: the layout of a declared struct in C, made of the rows that `tables.py` gives.
 *
 * Owns `Table` and the reading of its rows.  Must not know instances.
 */
#include "core.h"

Table *table_of(PyTypeObject *cls)
{
    PyObject *table = _PyType_Lookup(cls, core.s_table);
    if (table && Py_TYPE(table) == &TableType && ((Table *)table)->cls == (PyObject *)cls)
        return (Table *)table; /* its own, not that of a class it inherits from */
    PyErr_Format(PyExc_TypeError, "%.200s is no declared struct", cls->tp_name);
    return NULL;
}

/* Tables are never freed, nor are the classes that they keep: views and readers hold plain pointers to them. */
PyTypeObject TableType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Table",
    .tp_basicsize = sizeof(Table),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

int fill_field(Field *field, PyObject *row)
{
    PyObject *name, *layout, *members, *cls;
    if (!PyArg_ParseTuple(row, "UOOOiipIIIIIII", &name, &layout, &members, &cls, &field->kind, &field->element,
                          &field->required, &field->offset, &field->size, &field->length, &field->element_size,
                          &field->first, &field->capacity, &field->least))
        return -1;
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    field->name = name;
    field->layout = Py_NewRef(layout);
    field->members = members == Py_None ? NULL : Py_NewRef(members);
    field->cls = cls == Py_None ? NULL : Py_NewRef(cls);
    field->inner = NULL;
    int is_signed = field->kind >= K_I8 && field->kind <= K_I64;
    field->high = UINT64_MAX >> (field->kind < K_U128 ? 64 - 8 * field->size + (uint32_t)is_signed : 0);
    field->low = is_signed ? -(int64_t)field->high - 1 : 0;
    if (field->cls && !(field->inner = table_of((PyTypeObject *)cls)))
        return -1;
    return 0;
}

Table *make_table(PyObject *cls, PyObject *layout)
{
    PyObject *rows, *defaults, *gaps, *made = PyObject_CallOneArg(core.table_rows, layout);
    int tail;
    if (!made || !PyArg_ParseTuple(made, "O!SO!p", &PyList_Type, &rows, &defaults, &PyList_Type, &gaps, &tail))
        return NULL;
    Table *table = PyObject_New(Table, &TableType);
    if (!table)
        return NULL;
    Py_INCREF(table); /* immortal */
    table->cls = Py_NewRef(cls); /* see TableType */
    table->size = (uint32_t)PyBytes_GET_SIZE(defaults);
    table->deep = table->nested = 0;
    table->tail = tail;
    table->type = 0;
    table->required = 0;
    table->vector_count = 0;
    table->direct = table->looked_at = NO_VERSION;
    table->field_count = PyList_GET_SIZE(rows);
    table->fields = PyMem_Calloc((size_t)table->field_count + 1, sizeof(Field));
    table->vectors = PyMem_Calloc((size_t)table->field_count + 1, sizeof(uint32_t));
    table->defaults = PyMem_Malloc(table->size + 1u);
    table->gap_count = PyList_GET_SIZE(gaps);
    table->gaps = PyMem_Calloc((size_t)table->gap_count + 1, sizeof(*table->gaps));
    if (!table->fields || !table->vectors || !table->defaults || !table->gaps)
        return (Table *)PyErr_NoMemory();
    memcpy(table->defaults, PyBytes_AS_STRING(defaults), table->size);
    for (Py_ssize_t i = 0; i < table->field_count; i++) {
        if (fill_field(&table->fields[i], PyList_GET_ITEM(rows, i)) < 0)
            return NULL;
        table->required += table->fields[i].required;
        if (table->fields[i].kind == K_VECTOR)
            table->vectors[table->vector_count++] = (uint32_t)i;
        table->nested |= table->fields[i].kind == K_STRUCT;
        const Table *inner = table->fields[i].inner;
        table->deep |= inner && (inner->deep || inner->vector_count);
    }
    table->integers = PyMem_Calloc((size_t)table->field_count + 1, sizeof(IntField));
    table->all_wide = table->integers != NULL;
    uint32_t written = 0; /* up to here, when the fields are written in their order */
    for (Py_ssize_t i = 0; table->integers && i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        table->integers[i] = (IntField){field->high, field->low, field->offset, field->size,
                                        field->offset >= written && field->offset + 8 <= table->size};
        written = field->offset + field->size > written ? field->offset + field->size : written;
        if (field->kind >= K_U128) {
            PyMem_Free(table->integers);
            table->integers = NULL;
        }
        table->all_wide &= table->integers && table->integers[i].wide;
    }
    for (Py_ssize_t i = 0; i < table->vector_count; i++) {
        Field *field = &table->fields[table->vectors[i]];
        field->preset = get16(table->defaults + field->offset) != 0;
    }
    for (Py_ssize_t i = 0; i < table->gap_count; i++)
        if (!PyArg_ParseTuple(PyList_GET_ITEM(gaps, i), "II", &table->gaps[i][0], &table->gaps[i][1]))
            return NULL;
    Py_DECREF(made);
    return table;
}
