/* Values in and out of bytes: integers, raw bytes, structs and vectors of one field.
 *
 * Owns the conversions between Python objects and the wire.  `write_value` has three answers: done, not accepted (no
 * error set; the Python implementation takes over), or an error.  It runs no code of the caller's: an integer has to be
 * an int, bytes have to be bytes; objects that convert themselves are left to the Python implementation.
 */
#include "ints.h"

/* `int_bits` for what that does not see at a glance. */
int long_bits(PyObject *value, uint64_t *out)
{
    int overflow;
    long long wide = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
        *out = (uint64_t)wide;
        return wide < 0 ? 2 : 1;
    }
    if (overflow < 0)
        return 0;
    unsigned long long whole = PyLong_AsUnsignedLongLong(value);
    if (whole == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *out = whole;
    return 1;
}

/* The bytes of an int that `plain_bits` does not see at a glance, or that does not fit: negative numbers, bools,
 * subclasses of int.  0 when it is none or does not fit. */
int odd_bits(PyObject *value, uint32_t size, int64_t low, uint64_t high, uint64_t *out)
{
    uint64_t bits;
    int found = int_bits(value, &bits);
    if (found == 1 ? bits > high : found == 0 || (int64_t)bits < low)
        return 0;
    *out = bits & UINT64_MAX >> (64 - 8 * size);
    return 1;
}

int store_odd(uint8_t *at, PyObject *value, uint32_t size, int64_t low, uint64_t high)
{
    uint64_t bits;
    return odd_bits(value, size, low, high, &bits) && store_bits(at, bits, size);
}

int as_u64(PyObject *value, uint64_t *out) { return int_bits(value, out) == 1; }

static int write_wide(uint8_t *at, PyObject *value, int is_signed)
{
    if (!PyLong_Check(value))
        return 0;
    uint64_t low;
    int found = int_bits(value, &low);
    if (found == 1 || (found == 2 && is_signed)) {
        put64(at, low);
        put64(at + 8, found == 2 ? UINT64_MAX : 0);
        return 1;
    }
    if (found == 2)
        return 0;
#if PY_VERSION_HEX >= 0x030D0000
    int wrong = _PyLong_AsByteArray((PyLongObject *)value, at, 16, 1, is_signed, 0);
#else
    int wrong = _PyLong_AsByteArray((PyLongObject *)value, at, 16, 1, is_signed);
#endif
    if (wrong) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

static inline int write_int(const Field *field, uint8_t *at, PyObject *value)
{
    return field->kind < K_U128 ? store_int(at, value, field->size, field->low, field->high) : write_wide(at, value, field->kind == K_I128);
}

static int write_element(const Field *field, uint8_t *at, PyObject *item)
{
    if (field->element != K_STRUCT)
        return field->element >= K_U128 ? write_wide(at, item, field->element == K_I128) : 0;
    if (PyTuple_CheckExact(item)) {
        const Table *inner = field->inner;
        if (PyTuple_GET_SIZE(item) != inner->field_count)
            return 0;
        if (inner->integers) {
            for (Py_ssize_t i = 0; i < inner->field_count; i++) {
                const IntField *part = &inner->integers[i];
                PyObject *value = PyTuple_GET_ITEM(item, i);
                uint64_t bits;
                if (LIKELY(part->wide && plain_bits(value, &bits) && bits <= part->high))
                    put64(at + part->offset, bits);
                else if (!store_int(at + part->offset, value, part->size, part->low, part->high))
                    return 0;
            }
            return 1;
        }
        for (Py_ssize_t i = 0; i < inner->field_count; i++) {
            const Field *part = &inner->fields[i];
            if (part->kind > K_I128 || !write_int(part, at + part->offset, PyTuple_GET_ITEM(item, i)))
                return 0;
        }
        return 1;
    }
    if (!PyObject_TypeCheck(item, &StructType) || ((Struct *)item)->table != field->inner)
        return 0;
    memcpy(at, ((Struct *)item)->data, field->element_size);
    return clear_padding(field->inner, at);
}

/* Elements that are tuples of plain integers, as nearly all are: how many there were before one is something else.  This
 * loop is most of what building a book takes, so it has nothing in it that is not for every integer. */
static Py_ssize_t write_tuples(const Field *field, uint8_t *at, PyObject *const *items, Py_ssize_t count)
{
    Py_ssize_t width = field->inner->field_count, done = 0;
    const IntField *parts = field->inner->integers, *end = parts + width;
    for (; done < count; done++, at += field->element_size) {
        PyObject *item = items[done];
        if (!LIKELY(PyTuple_CheckExact(item) && PyTuple_GET_SIZE(item) == width))
            return done;
        PyObject *const *values = ((PyTupleObject *)item)->ob_item;
        for (const IntField *part = parts; part < end; part++, values++) {
            uint64_t bits;
            if (!LIKELY(plain_bits(*values, &bits) && bits <= part->high))
                return done;
            put64(at + part->offset, bits); /* safety: see IntField.wide; the next part is written later */
        }
    }
    return done;
}

static int write_vector(const Field *field, uint8_t *at, PyObject *value)
{
    Py_ssize_t count;
    uint8_t *slot = at + field->first;
    if (field->preset)
        memset(at, 0, field->size);
    if (PyObject_TypeCheck(value, &VectorType)) {
        const Vector *vector = (Vector *)value;
        count = get16(vector->data);
        if (vector->field->element != field->element || vector->field->inner != field->inner ||
            count > vector->field->capacity || count > field->capacity || count < field->least)
            return 0;
        /* safety: count is within both capacities, and slots of equal elements have equal sizes */
        memcpy(slot, vector->data + vector->field->first, (size_t)count * field->element_size);
        put16(at, (uint64_t)count);
        for (; field->inner && count > 0; count--, slot += field->element_size)
            if (!clear_padding(field->inner, slot))
                return 0;
        return 1;
    }
    PyObject **items;
    if (PyList_CheckExact(value)) {
        count = PyList_GET_SIZE(value);
        items = ((PyListObject *)value)->ob_item;
    }
    else if (PyTuple_CheckExact(value)) {
        count = PyTuple_GET_SIZE(value);
        items = ((PyTupleObject *)value)->ob_item;
    }
    else
        return 0;
    if (count > field->capacity || count < field->least)
        return 0;
    /* safety: write_element runs no Python code, so neither the list nor its items can change meanwhile */
    int quick = field->element == K_STRUCT && field->inner->all_wide;
    for (Py_ssize_t i = 0; i < count; i++, slot += field->element_size) {
        if (quick) {
            Py_ssize_t done = write_tuples(field, slot, items + i, count - i);
            slot += done * (Py_ssize_t)field->element_size;
            if ((i += done) == count)
                break;
        }
        if (!write_element(field, slot, items[i]))
            return 0;
    }
    put16(at, (uint64_t)count);
    return 1;
}

int write_value(const Field *field, uint8_t *at, PyObject *value)
{
    switch (field->kind) {
    case K_RAW:
        if (PyBytes_Check(value) && PyBytes_GET_SIZE(value) == (Py_ssize_t)field->length) {
            memcpy(at, PyBytes_AS_STRING(value), field->length);
            return 1;
        }
        return 0;
    case K_STRUCT:
        if (!PyObject_TypeCheck(value, &StructType) || ((Struct *)value)->table != field->inner)
            return 0;
        memcpy(at, ((Struct *)value)->data, field->size);
        return clear_padding(field->inner, at);
    case K_VECTOR:
        return write_vector(field, at, value);
    default:
        return field->kind <= K_I128 ? write_int(field, at, value) : 0;
    }
}

static PyObject *read_wide(const uint8_t *at, int is_signed)
{
    uint64_t low = get64(at), high = get64(at + 8);
    if (high == 0 && !(is_signed && high >> 63))
        return int_of_u64(low);
    return _PyLong_FromByteArray(at, 16, 1, is_signed);
}

PyObject *read_int(int kind, const uint8_t *at)
{
    return kind < K_U128 ? load_int(kind, at) : read_wide(at, kind == K_I128);
}

PyObject *read_value(const Field *field, const uint8_t *base, Py_ssize_t size, PyObject *owner, int type)
{
    const uint8_t *at = base + field->offset;
    switch (field->kind) {
    case K_RAW:
        return PyBytes_FromStringAndSize((const char *)at, field->length);
    case K_STRUCT:
        return struct_view((PyTypeObject *)field->cls, field->inner, at, field->size, owner);
    case K_VECTOR:
        return vector_open(field, base, owner, type);
    case K_TAIL:
        return PyBytes_FromStringAndSize((const char *)at, size - field->offset);
    }
    PyObject *number = read_int(field->kind, at);
    if (!field->members || !number)
        return number;
    PyObject *member = PyDict_GetItemWithError(field->members, number);
    if (member)
        Py_INCREF(member);
    else if (!PyErr_Occurred())
        member = PyObject_GetItem(field->members, number); /* asks __missing__ */
    Py_DECREF(number);
    return member;
}

/* The elements as plain values; structs inside of them stay structs, views that need an owner.  NULL with no error set
 * where that is left to the Python side: for such structs without an owner, and for a count above the capacity.
 * safety: the count is compared here, whatever was checked before.  No check covers a vector inside of a struct, and
 * making objects can run a finalizer that writes to the memory. */
PyObject *vector_tuples(const Field *field, const uint8_t *at, PyObject *owner)
{
    Py_ssize_t count = get16(at);
    const Table *views = field->inner && (field->inner->nested || field->inner->vector_count) ? field->inner : NULL;
    if (count > (Py_ssize_t)field->capacity || (views && !owner))
        return NULL;
    const uint8_t *slot = at + field->first;
    PyObject *list = PyList_New(count);
    if (!list)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++, slot += field->element_size) {
        PyObject *item;
        if (field->element != K_STRUCT)
            item = read_int(field->element, slot);
        else {
            const Table *inner = field->inner;
            item = PyTuple_New(inner->field_count);
            for (Py_ssize_t j = 0; item && j < inner->field_count; j++) {
                const Field *field_of = &inner->fields[j];
                PyObject *part = field_of->kind <= K_I128 /* the plain number, not a member of an enum */
                                     ? read_int(field_of->kind, slot + field_of->offset)
                                     : read_value(field_of, slot, inner->size, owner, 0);
                if (part)
                    PyTuple_SET_ITEM(item, j, part);
                else
                    Py_CLEAR(item);
            }
        }
        if (!item) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}
