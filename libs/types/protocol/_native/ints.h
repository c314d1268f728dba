/* Python integers and 64-bit words, inline: what an encoder and a decoder spend most of their time on.
 *
 * Owns the only knowledge of how CPython lays out bytes and an int (30-bit digits; the header changed in 3.12).
 * Everything it does not know at a glance goes through the public functions.
 */
#ifndef PROTOCOL_INTS_H
#define PROTOCOL_INTS_H

#include "core.h"

#if PYLONG_BITS_IN_DIGIT == 30
#if PY_VERSION_HEX >= 0x030C0000
#define INT_DIGITS(v) ((Py_ssize_t)(((PyLongObject *)(v))->long_value.lv_tag >> 3))
#define INT_NEGATIVE(v) ((((PyLongObject *)(v))->long_value.lv_tag & 3) == 2)
#define INT_DIGIT(v, i) ((uint64_t)((PyLongObject *)(v))->long_value.ob_digit[i])
#define INT_PLAIN_DIGITS(v) (INT_NEGATIVE(v) ? SIZE_MAX : (size_t)INT_DIGITS(v))
#else
#define INT_DIGITS(v) (Py_SIZE(v) < 0 ? -Py_SIZE(v) : Py_SIZE(v))
#define INT_NEGATIVE(v) (Py_SIZE(v) < 0)
#define INT_DIGIT(v, i) ((uint64_t)((PyLongObject *)(v))->ob_digit[i])
#define INT_PLAIN_DIGITS(v) ((size_t)Py_SIZE(v)) /* that of a negative number is huge, then */
#endif
#endif

/* Whether an int is not negative and fits 64 bits (1), is negative and fits (2), or neither (0). */
static inline int int_bits(PyObject *value, uint64_t *out)
{
    if (!PyLong_Check(value))
        return 0;
#ifdef INT_DIGITS
    Py_ssize_t digits = INT_DIGITS(value);
    uint64_t magnitude;
    if (digits < 2) /* zero has room for a digit, too; no branch, because 0 and 1 alternate without a pattern */
        magnitude = INT_DIGIT(value, 0) & (0u - (uint64_t)digits);
    else if (digits == 2)
        magnitude = INT_DIGIT(value, 0) | INT_DIGIT(value, 1) << 30;
    else if (digits == 3 && INT_DIGIT(value, 2) < 8) /* below 2^63, so also its negative fits */
        magnitude = INT_DIGIT(value, 0) | INT_DIGIT(value, 1) << 30 | INT_DIGIT(value, 2) << 60;
    else
        return long_bits(value, out);
    if (INT_NEGATIVE(value)) {
        *out = 0u - magnitude;
        return 2;
    }
    *out = magnitude;
    return 1;
#else
    return long_bits(value, out);
#endif
}

/* The low `size` bytes of `bits`; 1. */
static inline int store_bits(uint8_t *at, uint64_t bits, uint32_t size)
{
    /* safety: `at` is a field's own place, which has `size` bytes */
    switch (size) {
    case 8:
        put64(at, bits);
        return 1;
    case 4:
        put32(at, bits);
        return 1;
    case 2:
        put16(at, bits);
        return 1;
    default:
        *at = (uint8_t)bits;
        return 1;
    }
}

/* Nearly all that messages are made of: exactly an int, not negative, of up to 64 bits.  0 for all else. */
static inline int plain_bits(PyObject *value, uint64_t *out)
{
#ifdef INT_DIGITS
    if (!LIKELY(PyLong_CheckExact(value)))
        return 0;
    size_t digits = INT_PLAIN_DIGITS(value);
    uint64_t bits = INT_DIGIT(value, 0); /* zero has room for a digit, too */
    if (digits == 2)
        bits |= INT_DIGIT(value, 1) << 30;
    else if (digits < 2)
        bits &= 0u - (uint64_t)digits; /* no branch, because 0 and 1 alternate without a pattern */
    else if (LIKELY(digits == 3 && INT_DIGIT(value, 2) < 16))
        bits |= INT_DIGIT(value, 1) << 30 | INT_DIGIT(value, 2) << 60;
    else
        return 0;
    *out = bits;
    return 1;
#else
    (void)value, (void)out;
    return 0;
#endif
}

int odd_bits(PyObject *value, uint32_t size, int64_t low, uint64_t high, uint64_t *out);
int store_odd(uint8_t *at, PyObject *value, uint32_t size, int64_t low, uint64_t high);

/* Write an int of up to 8 bytes; 0 when it is none or does not fit.  `low` is never above 0. */
static inline int store_int(uint8_t *at, PyObject *value, uint32_t size, int64_t low, uint64_t high)
{
    uint64_t bits;
    if (LIKELY(plain_bits(value, &bits) && bits <= high))
        return store_bits(at, bits, size);
    return store_odd(at, value, size, low, high);
}

static inline PyObject *int_of_u64(uint64_t value)
{
    if (value < 256)
        return Py_NewRef(core.bytes[value]);
#if PY_VERSION_HEX < 0x030C0000 && PYLONG_BITS_IN_DIGIT == 30 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
    /* What PyLong_FromUnsignedLongLong does, without the calls in between: most of decoding is making ints. */
    Py_ssize_t digits = value >> 60 ? 3 : value >> 30 ? 2 : 1;
    PyLongObject *number = PyObject_Malloc(offsetof(PyLongObject, ob_digit) + (size_t)digits * sizeof(digit));
    if (!number)
        return PyErr_NoMemory();
    ((PyObject *)number)->ob_refcnt = 1;
    ((PyObject *)number)->ob_type = &PyLong_Type;
    ((PyVarObject *)number)->ob_size = digits;
    number->ob_digit[0] = (digit)(value & PyLong_MASK);
    if (digits > 1)
        number->ob_digit[1] = (digit)(value >> 30 & PyLong_MASK);
    if (digits > 2)
        number->ob_digit[2] = (digit)(value >> 60);
    return (PyObject *)number;
#else
    return PyLong_FromUnsignedLongLong(value);
#endif
}

static inline PyObject *int_of_i64(int64_t value)
{
    return value >= 0 ? int_of_u64((uint64_t)value) : PyLong_FromLongLong(value);
}

/* Read an int of up to 8 bytes. */
static inline PyObject *load_int(int kind, const uint8_t *at)
{
    switch (kind) {
    case K_U8:
        return Py_NewRef(core.bytes[*at]);
    case K_U16:
        return int_of_u64(get16(at));
    case K_U32:
        return int_of_u64(get32(at));
    case K_U64:
        return int_of_u64(get64(at));
    case K_I8:
        return PyLong_FromLong((int8_t)*at);
    case K_I16:
        return PyLong_FromLong((int16_t)get16(at));
    case K_I32:
        return PyLong_FromLong((int32_t)get32(at));
    default:
        return int_of_i64((int64_t)get64(at));
    }
}

/* A bytes object to be filled in. */
static inline PyObject *new_bytes(Py_ssize_t size)
{
#if PY_VERSION_HEX < 0x030C0000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
    /* What PyBytes_FromStringAndSize does, without the calls in between. */
    PyBytesObject *made = PyObject_Malloc(offsetof(PyBytesObject, ob_sval) + (size_t)size + 1);
    if (!made)
        return PyErr_NoMemory();
    ((PyObject *)made)->ob_refcnt = 1;
    ((PyObject *)made)->ob_type = &PyBytes_Type;
    ((PyVarObject *)made)->ob_size = size;
    memset((char *)made + offsetof(PyBytesObject, ob_sval) - sizeof(Py_hash_t), 0xFF, sizeof(Py_hash_t));
    made->ob_sval[size] = 0;
    return (PyObject *)made;
#else
    return PyBytes_FromStringAndSize(NULL, size);
#endif
}

static inline PyObject *bytes_of(const uint8_t *from, Py_ssize_t size)
{
    PyObject *made = new_bytes(size);
    if (made)
        memcpy(PyBytes_AS_STRING(made), from, (size_t)size);
    return made;
}

#endif
