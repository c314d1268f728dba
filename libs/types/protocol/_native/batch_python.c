/* Batches of messages: the functions that Python calls.
 *
 * Owns: decode_rows, encode_rows, blank_buffer and crc32_implementation; the reading of their arguments and every check that makes
 * the kernels safe to call.
 * Must not know: how a batch is decoded or encoded.
 * How it works: offsets, widths and columns come as packed records of u64 beside the buffers that they refer to. All of
 * it is checked against the sizes of the buffers, then the kernel runs without the interpreter's lock. The buffers
 * are held meanwhile, so that nobody can resize them. `_python/batch.py` has the same functions.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "batch.h"
#include "crc32.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

enum { OP_NUMBERS = 9, KNOWN_SIZE = 512, LARGE = 4 * 1024 * 1024 };

extern PyMethodDef batch_methods[];

static uint64_t u64(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static size_t u16(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8;
}

/* The buffers of a tuple, and the ops that refer to them. */
struct columns {
    Py_ssize_t count;
    size_t op_count;
    Py_buffer *buffers;
    struct batch_op *ops;
};

static void release_columns(struct columns *c)
{
    for (Py_ssize_t i = 0; i < c->count; i++)
        PyBuffer_Release(&c->buffers[i]);
    PyMem_Free(c->buffers);
    PyMem_Free(c->ops);
    *c = (struct columns){0};
}

/* Whether `count` rows of `width` bytes, each `stride` behind the one before, fit from `start` on. */
static int rows_fit(uint64_t length, uint64_t start, uint64_t stride, uint64_t width, uint64_t count)
{
    if (count == 0)
        return 1;
    if (start > length || width > length - start)
        return 0;
    return stride == 0 || count - 1 <= (length - start - width) / stride;
}

/* Read packed ops: at, width, in_payload, column, start, stride, times, step, start of the counts. `header` and `payload` are the bytes there are to copy
 * from or to. Raises ValueError for what does not fit, and the errors of the buffers. */
static int read_columns(struct columns *c, const Py_buffer *packed, PyObject *buffers, int flags, size_t header,
                        size_t payload, size_t rows)
{
    *c = (struct columns){0};
    if (packed->len % (Py_ssize_t)(OP_NUMBERS * 8) != 0) {
        PyErr_SetString(PyExc_ValueError, "ops are not whole records");
        return -1;
    }
    c->op_count = (size_t)packed->len / (OP_NUMBERS * 8);
    c->buffers = PyMem_Calloc((size_t)PyTuple_GET_SIZE(buffers) + 1, sizeof *c->buffers);
    c->ops = PyMem_Calloc(c->op_count + 1, sizeof *c->ops);
    if (c->buffers == NULL || c->ops == NULL) {
        PyErr_NoMemory();
        goto fail;
    }
    for (; c->count < PyTuple_GET_SIZE(buffers); c->count++)
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(buffers, c->count), &c->buffers[c->count], flags) != 0)
            goto fail;
    for (size_t i = 0; i < c->op_count; i++) {
        const uint8_t *p = (const uint8_t *)packed->buf + i * OP_NUMBERS * 8;
        uint64_t at = u64(p), width = u64(p + 8), in_payload = u64(p + 16), column = u64(p + 24);
        uint64_t start = u64(p + 32), stride = u64(p + 40), room = in_payload ? payload : header;
        uint64_t times = u64(p + 48), step = u64(p + 56), counts = u64(p + 64), whole = width;

        /* What an op touches of a message and of a row, all elements of a vector taken together. */
        if (times > 0)
            whole = times > UINT16_MAX || step > UINT16_MAX || width > step ? UINT64_MAX : (times - 1) * step + width;
        if (whole > room || at > room - whole || column >= (uint64_t)c->count || (times > 0 && flags != PyBUF_SIMPLE) ||
            !rows_fit((uint64_t)c->buffers[column].len, start, stride, whole, rows) ||
            (times > 0 && !rows_fit((uint64_t)c->buffers[column].len, counts, stride, 2, rows))) {
            PyErr_Format(PyExc_ValueError, "op %zu does not fit into its column or the message", i);
            goto fail;
        }
        c->ops[i] = (struct batch_op){.at = (size_t)at, .width = (size_t)width, .stride = (size_t)stride,
                                      .in_payload = in_payload != 0,
                                      .column = (uint8_t *)c->buffers[column].buf + (rows ? start : 0),
                                      .times = (size_t)times, .step = (size_t)step,
                                      .counts = times > 0 ? (uint8_t *)c->buffers[column].buf + (rows ? counts : 0) : NULL};
    }
    return 0;
fail:
    release_columns(c);
    return -1;
}

/* Whether all rules refer to vectors that are there and whose counts lie inside the least payload. */
static int rules_are_sound(const Py_buffer *rules, size_t size)
{
    size_t head = (BATCH_TYPES + 1) * BATCH_RULE_SIZE, vectors;
    const uint8_t *p = rules->buf;

    if ((size_t)rules->len < head || ((size_t)rules->len - head) % BATCH_VECTOR_SIZE != 0)
        return 0;
    vectors = ((size_t)rules->len - head) / BATCH_VECTOR_SIZE;
    for (size_t i = 0; i <= BATCH_TYPES; i++) {
        const uint8_t *rule = p + i * BATCH_RULE_SIZE;
        size_t low = u16(rule), first = u16(rule + 4), count = u16(rule + 6);
        if (first + count > vectors)
            return 0;
        for (size_t k = 0; k < count; k++)
            if (u16(p + head + (first + k) * BATCH_VECTOR_SIZE) + 2 > low)
                return 0;
    }
    return u16(p + BATCH_WANTED * BATCH_RULE_SIZE) >= size;
}

PyDoc_STRVAR(decode_rows_doc,
"decode_rows(data, offset, index, row, capacity, number, size, verify, partial, limit, known, rules, ops, columns,\n"
"            faults)\n"
"--\n"
"\n"
"Decode messages from `offset` on; gives (offset, index, row, others, repeats, faults). See `_python/batch.py`.");

static PyObject *decode_rows(PyObject *module, PyObject *args)
{
    Py_buffer data = {0}, known = {0}, rules = {0}, packed = {0}, faults = {0};
    Py_ssize_t offset, index, row, capacity, size, limit;
    unsigned int number;
    PyObject *buffers, *result = NULL;
    struct columns columns;
    struct batch_decoder d;
    (void)module;

    if (!PyArg_ParseTuple(args, "y*nnnnInppny*y*y*O!w*:decode_rows", &data, &offset, &index, &row, &capacity, &number,
                          &size, &d.verify, &d.partial, &limit, &known, &rules, &packed, &PyTuple_Type, &buffers,
                          &faults))
        return NULL;
    if (offset < 0 || offset > data.len || index < 0 || row < 0 || row > capacity || size < 0 || limit < 0 ||
        number >= BATCH_TYPES - 1 || known.len != KNOWN_SIZE || !rules_are_sound(&rules, (size_t)size) ||
        faults.len < (Py_ssize_t)sizeof(struct batch_fault) ||
        (uintptr_t)faults.buf % sizeof(uint64_t) != 0) {
        PyErr_SetString(PyExc_ValueError, "decode_rows: arguments that do not belong together");
        goto done;
    }
    if (read_columns(&columns, &packed, buffers, PyBUF_WRITABLE, CRC32_HEADER_SIZE, (size_t)size, (size_t)capacity) != 0)
        goto done;
    d.data = data.buf;
    d.length = (size_t)data.len;
    d.domains = known.buf;
    d.sources = d.domains + KNOWN_SIZE / 2;
    d.rules = rules.buf;
    d.vectors = d.rules + (BATCH_TYPES + 1) * BATCH_RULE_SIZE;
    d.ops = columns.ops;
    d.op_count = columns.op_count;
    d.capacity = (size_t)capacity;
    d.limit = (size_t)limit;
    d.size = (size_t)size;
    d.number = number;
    d.faults = faults.buf;
    d.fault_room = (size_t)faults.len / sizeof(struct batch_fault);
    d.offset = (size_t)offset;
    d.index = (size_t)index;
    d.row = (size_t)row;
    d.others = d.repeats = d.fault_count = 0;
    Py_BEGIN_ALLOW_THREADS
    batch_decode(&d);
    Py_END_ALLOW_THREADS
    release_columns(&columns);
    result = Py_BuildValue("nnnnnn", (Py_ssize_t)d.offset, (Py_ssize_t)d.index, (Py_ssize_t)d.row,
                           (Py_ssize_t)d.others, (Py_ssize_t)d.repeats, (Py_ssize_t)d.fault_count);
done:
    PyBuffer_Release(&data);
    PyBuffer_Release(&known);
    PyBuffer_Release(&rules);
    PyBuffer_Release(&packed);
    PyBuffer_Release(&faults);
    return result;
}

/* Whether an op writes to what crc32_rows takes to be the same in all messages: their checksums would be wrong. */
static int writes_common(const struct batch_op *op, size_t size)
{
    static const size_t common[][2] = {{0, 4}, {24, 28}, {CRC32_HEADER_SIZE, CRC32_HEADER_SIZE + 2}};
    size_t end = op->at + (op->times > 0 ? (op->times - 1) * op->step : 0) + op->width;

    for (size_t i = 0; size >= CRC32_ALIKE && i < sizeof common / sizeof common[0]; i++)
        if (op->at < common[i][1] && end > common[i][0])
            return 1;
    return 0;
}

PyDoc_STRVAR(encode_rows_doc,
"encode_rows(out, message, count, sequence, sign, ops, columns)\n"
"--\n"
"\n"
"Write `count` messages like `message` with the columns' values. See `_python/batch.py`.");

static PyObject *encode_rows(PyObject *module, PyObject *args)
{
    Py_buffer out = {0}, message = {0}, packed = {0};
    Py_ssize_t count;
    uint64_t first = 0;
    PyObject *sequence, *buffers, *result = NULL;
    struct columns columns;
    struct batch_encoder e;
    (void)module;

    if (!PyArg_ParseTuple(args, "w*y*nOpy*O!:encode_rows", &out, &message, &count, &sequence, &e.sign, &packed,
                          &PyTuple_Type, &buffers))
        return NULL;
    if (sequence != Py_None) {
        first = PyLong_AsUnsignedLongLong(sequence);
        if (first == (uint64_t)-1 && PyErr_Occurred())
            goto done;
    }
    if (count < 0 || message.len < CRC32_HEADER_SIZE || out.len / message.len < count) {
        PyErr_SetString(PyExc_ValueError, "encode_rows: arguments that do not belong together");
        goto done;
    }
    if (read_columns(&columns, &packed, buffers, PyBUF_SIMPLE, (size_t)message.len, 0, (size_t)count) != 0)
        goto done;
    for (size_t i = 0; e.sign && i < columns.op_count; i++)
        if (writes_common(&columns.ops[i], (size_t)message.len)) {
            PyErr_Format(PyExc_ValueError, "op %zu writes to the magic, the size or the first frame", i);
            release_columns(&columns);
            goto done;
        }
    e.out = out.buf;
    e.message = message.buf;
    e.size = (size_t)message.len;
    e.count = (size_t)count;
    e.ops = columns.ops;
    e.op_count = columns.op_count;
    e.sequence = sequence == Py_None ? NULL : &first;
    Py_BEGIN_ALLOW_THREADS
    batch_encode(&e);
    Py_END_ALLOW_THREADS
    release_columns(&columns);
    result = Py_NewRef(Py_None);
done:
    PyBuffer_Release(&out);
    PyBuffer_Release(&message);
    PyBuffer_Release(&packed);
    return result;
}

PyDoc_STRVAR(blank_buffer_doc,
"blank_buffer(size)\n"
"--\n"
"\n"
"A bytearray whose bytes are not set: whoever asks for it writes all of them.");

static PyObject *blank_buffer(PyObject *module, PyObject *size)
{
    Py_ssize_t count = PyNumber_AsSsize_t(size, PyExc_OverflowError);
    PyObject *buffer;
    (void)module;

    if (count < 0)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a buffer of %zd bytes", count);
    buffer = PyByteArray_FromStringAndSize(NULL, count);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    /* The memory is not there yet, and every small page of it would cost more than the messages that it will hold. */
    if (buffer != NULL && count >= LARGE) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)PyByteArray_AS_STRING(buffer);
        uintptr_t start = (begin + page - 1) / page * page;
        (void)madvise((void *)start, begin + (size_t)count - start, MADV_HUGEPAGE);
    }
#endif
    return buffer;
}

PyDoc_STRVAR(crc32_implementation_doc,
"crc32_implementation(name=None)\n"
"--\n"
"\n"
"The checksum in use; `name` selects another one, for tests and measurements, while nothing else runs.");

static PyObject *crc32_implementation(PyObject *module, PyObject *args)
{
    const char *name = NULL;
    (void)module;

    if (!PyArg_ParseTuple(args, "|z:crc32_implementation", &name))
        return NULL;
    if (name != NULL && crc32_select(name) != 0)
        return PyErr_Format(PyExc_ValueError, "this machine or build has no checksum '%s'", name);
    return PyUnicode_FromString(crc32_selected());
}

PyMethodDef batch_methods[] = {
    {"decode_rows", decode_rows, METH_VARARGS, decode_rows_doc},
    {"encode_rows", encode_rows, METH_VARARGS, encode_rows_doc},
    {"blank_buffer", blank_buffer, METH_O, blank_buffer_doc},
    {"crc32_implementation", crc32_implementation, METH_VARARGS, crc32_implementation_doc},
    {NULL, NULL, 0, NULL},
};
