/* Encoder: one message type, a fixed list of places, one call for a whole message.
 *
 * Owns the type, and two ways to fill in a message.  Where all values are bytes and integers of up to 8 bytes, the
 * checksum is made of the values themselves (crc32_parts.h), if the processor has the instructions.  The other way is
 * for everything.  Whatever is not accepted at once goes to the Encoder in Python that each has beside it (`slow`),
 * which does it or raises.  `_python/encoders.py` is the specification.
 */
#include "compiled.h"
#include "crc32.h"
#include "crc32_parts.h"

/* An integer, as a part of a message.  It is stored as eight bytes, together with what the template has behind it: one
 * way for all sizes.  They come in the order of their offsets, so that the next ones write over that what is theirs.
 * For the last ones, which the message has no eight bytes for, `behind` is the size. */
typedef struct {
    _Alignas(16) uint64_t factor;
    uint64_t high, behind;
    uint32_t offset, argument;
} Number;

/* Up to eight bytes of an argument that is bytes. */
typedef struct {
    _Alignas(16) uint64_t factor;
    uint32_t offset, from, size;
} Chunk;

typedef struct {
    uint32_t argument, length, chunks; /* how many of them are of this argument */
} Text;

typedef struct {
    Compiled base;
    Number *numbers;
    Text *texts;
    Chunk *chunks;
    Py_ssize_t number_count, wide_count, text_count; /* wide: eight bytes from its offset are in the message */
    uint32_t zeros; /* checksum of the template */
} Encoder;

/* Header bytes that a reader would refuse are refused here. */
static inline int header_accepts(const uint8_t *message)
{
    return core.domains[message[4]] && core.sources[message[6]] && message[5] == VERSION;
}

static inline PyObject *from_template(const Compiled *self)
{
    PyObject *made = new_bytes(self->total);
    if (made)
        memcpy(PyBytes_AS_STRING(made), self->template_, self->total);
    return made;
}

static int fill(const Compiled *self, uint8_t *message, PyObject *const *args)
{
    for (Py_ssize_t i = 0; i < self->place_count; i++) {
        const Step *step = &self->steps[i];
        /* safety: every place lies within the template, which is as long as the message */
        if (step->size) {
            if (store_int(message + step->offset, args[i], step->size, step->low, step->high))
                continue;
            return 0;
        }
        const Place *place = &self->places[i];
        if (place->field.kind != K_GROUP) {
            if (write_value(&place->field, message + place->field.offset, args[i]) == 1)
                continue;
        }
        else if (PyBytes_Check(args[i]) && PyBytes_GET_SIZE(args[i]) == (Py_ssize_t)place->field.length) {
            const uint8_t *from = (const uint8_t *)PyBytes_AS_STRING(args[i]);
            for (uint32_t p = 0; p < place->piece_count; from += place->pieces[p++][1])
                copy_piece(message + place->field.offset + place->pieces[p][0], from, place->pieces[p][1]);
            continue;
        }
        return 0;
    }
    if (!header_accepts(message))
        return 0;
    put32(message + CHECKSUM_OFFSET, crc32_message(message, self->total));
    return 1;
}

static PyObject *encoder_call(PyObject *object, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    const Compiled *self = (Compiled *)object;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count != self->place_count || kwnames)
        return PyObject_Vectorcall(self->slow, args, (size_t)count, kwnames);
    PyObject *made = from_template(self);
    if (!made || fill(self, (uint8_t *)PyBytes_AS_STRING(made), args))
        return made;
    Py_DECREF(made);
    return PyErr_Occurred() ? NULL : PyObject_Vectorcall(self->slow, args, (size_t)count, NULL);
}

/* --- by parts --- */

#if CRC32_X86

/* Copy 1, 2, 4 or 8 bytes, which are also the result, as a number. */
static inline uint64_t move_bits(uint8_t *to, const uint8_t *from, uint32_t size)
{
    uint64_t bits;
    switch (size) {
    case 8:
        put64(to, bits = get64(from));
        return bits;
    case 4:
        put32(to, bits = get32(from));
        return bits;
    case 2:
        put16(to, bits = get16(from));
        return bits;
    default:
        return *to = *from;
    }
}

/* The bytes of an argument as a number; 0 when it is not accepted. */
static inline int number_bits(const Encoder *self, const Number *number, PyObject *const *args, uint64_t *bits)
{
    PyObject *value = args[number->argument];
    uint64_t plain, odd;
    if (LIKELY(plain_bits(value, &plain) && plain <= number->high)) {
        *bits = plain;
        return 1;
    }
    const Step *step = &self->base.steps[number->argument];
    if (!odd_bits(value, step->size, step->low, step->high, &odd))
        return 0;
    *bits = odd; /* not filled in there, because what has an address does not stay in a register */
    return 1;
}

/* 1 done, 0 not accepted. */
INLINE SSE int fill_by_parts(const Encoder *self, uint8_t *message, PyObject *const *args)
{
    __m128i sum = _mm_setzero_si128();
    const Number *number = self->numbers, *end = number + self->wide_count;
    uint64_t bits;

    /* safety: every place lies within the template, which is as long as the message; so do the eight bytes that begin
     * at the first `wide_count` numbers */
    for (; number < end; number++) {
        if (!number_bits(self, number, args, &bits))
            return 0;
        put64(message + number->offset, bits | number->behind);
        sum = parts_add(sum, bits, &number->factor);
    }
    for (end = self->numbers + self->number_count; number < end; number++) {
        if (!number_bits(self, number, args, &bits))
            return 0;
        store_bits(message + number->offset, bits, (uint32_t)number->behind);
        sum = parts_add(sum, bits, &number->factor);
    }
    const Chunk *chunk = self->chunks;
    for (const Text *text = self->texts, *end = text + self->text_count; text < end; text++) {
        PyObject *value = args[text->argument];
        if (!PyBytes_Check(value) || PyBytes_GET_SIZE(value) != (Py_ssize_t)text->length)
            return 0;
        const uint8_t *from = (const uint8_t *)PyBytes_AS_STRING(value);
        for (const Chunk *last = chunk + text->chunks; chunk < last; chunk++) {
            bits = move_bits(message + chunk->offset, from + chunk->from, chunk->size);
            sum = parts_add(sum, bits, &chunk->factor);
        }
    }
    if (!header_accepts(message))
        return 0;
    put32(message + CHECKSUM_OFFSET, parts_checksum(sum, self->zeros));
    return 1;
}

/* `encoder_call` for what is made of parts.  No test beyond those of every call: this is what senders wait for. */
INLINE SSE PyObject *encode_parts(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    const Compiled *self = (Compiled *)object;
    if (count != self->place_count || !crc32_multiplies)
        return encoder_call(object, args, (size_t)count, NULL);
    PyObject *made = from_template(self);
    if (!made || fill_by_parts((Encoder *)object, (uint8_t *)PyBytes_AS_STRING(made), args))
        return made;
    Py_DECREF(made);
    return PyObject_Vectorcall(self->slow, args, (size_t)count, NULL);
}

static SSE PyObject *encoder_call_parts(PyObject *object, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (kwnames)
        return encoder_call(object, args, nargsf, kwnames);
    return encode_parts(object, args, PyVectorcall_NARGS(nargsf));
}

static SSE PyObject *encoder_encode(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    if (((Compiled *)object)->call == encoder_call_parts)
        return encode_parts(object, args, count);
    return encoder_call(object, args, (size_t)count, NULL);
}

/* The factor of what begins at `offset` of the message. */
static uint64_t factor_at(const Encoder *self, uint32_t offset)
{
    uint32_t in_stream = offset < HEADER_SIZE ? offset : offset - CRC32_FIELD_SIZE;
    return crc32_factor(8 * ((int64_t)self->base.total - CRC32_FIELD_SIZE - in_stream - 8));
}

/* Cut `size` bytes of an argument, which go to `offset`, into sizes of integers. */
static void add_chunks(Encoder *self, Text *text, Chunk *chunks, uint32_t offset, uint32_t from, uint32_t size)
{
    memset(self->base.template_ + offset, 0, size);
    for (uint32_t part; size > 0; offset += part, from += part, size -= part) {
        part = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
        chunks[text->chunks++] = (Chunk){factor_at(self, offset), offset, from, part};
    }
}

static int by_offset(const void *one, const void *other)
{
    uint32_t a = ((const Number *)one)->offset, b = ((const Number *)other)->offset;
    return (a > b) - (a < b);
}

/* Make lists of the parts, where the message can be made of them; -1 with an error set. */
static int take_parts(Encoder *self)
{
    Compiled *base = &self->base;
    uint32_t chunks = 0;
    for (Py_ssize_t i = 0; i < base->place_count; i++) {
        const Field *field = &base->places[i].field;
        if (field->kind == K_GROUP || field->kind == K_RAW)
            chunks += field->length / 8 + 3 * (base->places[i].piece_count + 1);
        else if (field->kind >= K_U128)
            return 0;
    }
    self->numbers = PyMem_Calloc((size_t)base->place_count + 1, sizeof(Number));
    self->texts = PyMem_Calloc((size_t)base->place_count + 1, sizeof(Text));
    self->chunks = PyMem_Calloc((size_t)chunks + 1, sizeof(Chunk));
    if (!self->numbers || !self->texts || !self->chunks) {
        PyErr_NoMemory();
        return -1;
    }
    Chunk *free = self->chunks;
    for (Py_ssize_t i = 0; i < base->place_count; i++) {
        const Place *place = &base->places[i];
        const Field *field = &place->field;
        if (field->kind < K_U128) {
            memset(base->template_ + field->offset, 0, field->size);
            self->numbers[self->number_count++] =
                (Number){factor_at(self, field->offset), field->high, 0, field->offset, (uint32_t)i};
            continue;
        }
        Text *text = &self->texts[self->text_count++];
        *text = (Text){(uint32_t)i, field->length, 0};
        if (field->kind == K_RAW)
            add_chunks(self, text, free, field->offset, 0, field->length);
        for (uint32_t p = 0, from = 0; p < place->piece_count; from += place->pieces[p++][1])
            add_chunks(self, text, free, field->offset + place->pieces[p][0], from, place->pieces[p][1]);
        free += text->chunks;
    }
    qsort(self->numbers, (size_t)self->number_count, sizeof(Number), by_offset);
    for (; self->wide_count < self->number_count; self->wide_count++) {
        Number *number = &self->numbers[self->wide_count];
        if (number->offset + 8 > base->total)
            break;
        number->behind = get64(base->template_ + number->offset);
    }
    for (Py_ssize_t i = self->wide_count; i < self->number_count; i++)
        self->numbers[i].behind = base->steps[self->numbers[i].argument].size;
    self->zeros = crc32_message(base->template_, base->total);
    base->call = encoder_call_parts;
    return 0;
}

#else

static PyObject *encoder_encode(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    return encoder_call(object, args, (size_t)count, NULL);
}

#endif

/* --- the type --- */

static void encoder_dealloc(PyObject *object)
{
    PyMem_Free(((Encoder *)object)->numbers);
    PyMem_Free(((Encoder *)object)->texts);
    PyMem_Free(((Encoder *)object)->chunks);
    compiled_dealloc(object);
}

static PyObject *encoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Compiled *self = begin_compiled(type, args, encoder_call);
    if (!self)
        return NULL;
    PyObject *fixed = kwargs ? Py_NewRef(kwargs) : PyDict_New();
    PyObject *rows, *bytes, *slow;
    PyObject *made = NULL;
    if (fixed)
        made = PyObject_CallFunctionObjArgs(core.encoder_rows, self->cls, self->paths, fixed, NULL);
    Py_XDECREF(fixed);
    if (!made || !PyArg_ParseTuple(made, "SO!O", &bytes, &PyList_Type, &rows, &slow) || take_places(self, rows) < 0) {
        Py_XDECREF(made);
        Py_DECREF(self);
        return NULL;
    }
    self->slow = Py_NewRef(slow);
    self->total = (uint32_t)PyBytes_GET_SIZE(bytes);
    self->template_ = PyMem_Malloc(self->total);
    if (self->template_)
        memcpy(self->template_, PyBytes_AS_STRING(bytes), self->total);
    for (Py_ssize_t i = 0; self->template_ && i < self->place_count; i++) {
        Field *field = &self->places[i].field;
        field->preset = field->kind == K_VECTOR && get16(self->template_ + field->offset) != 0;
    }
    Py_DECREF(made);
    if (!self->template_) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
#if CRC32_X86
    if (take_parts((Encoder *)self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
#endif
    return (PyObject *)self;
}

static PyMethodDef encoder_methods[] = {
    {"encode", (PyCFunction)(void (*)(void))encoder_encode, METH_FASTCALL,
     "The message with these values, one for each path.  Raises TypeError, FieldRange, CapacityExceeded."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject EncoderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Encoder",
    .tp_doc = "Encoder(cls, *paths, **fixed): called with a value for each path, gives the message.",
    .tp_basicsize = sizeof(Encoder),
    .tp_vectorcall_offset = offsetof(Compiled, call),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = encoder_dealloc,
    .tp_new = encoder_new,
    .tp_methods = encoder_methods,
    .tp_getset = compiled_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
};
