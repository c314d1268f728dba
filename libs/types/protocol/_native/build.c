/* Building messages: `MessageBuilder`, one TLV after the other.
 *
 * Owns the frame around a payload and the header's last two fields.  Must not know fields of a TLV: a struct is its
 * bytes.  `_python/build.py` is the specification; values that need converting, and errors, come from there.
 *
 * The message grows behind room for its header, so building is one copy.
 */
#include "core.h"
#include "crc32.h"
#include <time.h>

#define SMALL 320 /* most messages; larger ones get memory of their own, which the builder keeps */

typedef struct {
    PyObject_HEAD
    uint8_t *message; /* `small`, or memory of its own */
    uint32_t size, room;
    uint8_t domain, source, flags, has_timestamp;
    uint64_t sequence, timestamp;
    uint8_t small[SMALL];
} Builder;

static int settle(Builder *self, PyObject *domain, PyObject *source, PyObject *sequence, PyObject *timestamp,
                  PyObject *flags)
{
    uint64_t d, s, q, t = 0, f = 0;
    int stamped = timestamp && timestamp != Py_None;
    if (!as_u64(domain, &d) || d > 255 || !core.domains[d] || !as_u64(source, &s) || s > 255 || !core.sources[s] ||
        !as_u64(sequence, &q) || (stamped && !as_u64(timestamp, &t)) || (flags && (!as_u64(flags, &f) || f > 255))) {
        PyObject *zero = PyLong_FromLong(0);
        PyObject *plain = PyObject_CallFunctionObjArgs(core.refuse_builder, domain, source, sequence,
                                                       timestamp ? timestamp : Py_None, flags ? flags : zero, NULL);
        Py_XDECREF(zero);
        if (!plain)
            return -1;
        unsigned long long q2, t2;
        unsigned char d2, s2, f2;
        int parsed = PyArg_ParseTuple(plain, "bbKKb", &d2, &s2, &q2, &t2, &f2);
        Py_DECREF(plain);
        if (!parsed)
            return -1;
        d = d2, s = s2, q = q2, t = t2, f = f2;
    }
    self->domain = (uint8_t)d;
    self->source = (uint8_t)s;
    self->flags = (uint8_t)f;
    self->sequence = q;
    self->timestamp = t;
    self->has_timestamp = (uint8_t)stamped;
    self->size = HEADER_SIZE;
    return 0;
}

static PyObject *missing(const char *name, const char *what)
{
    return PyErr_Format(PyExc_TypeError, "%s misses %s", name, what);
}

static PyObject *builder_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *domain = NULL, *source = NULL, *sequence = NULL, *timestamp = NULL, *flags = NULL;
    if (PyVectorcall_NARGS(nargsf))
        return PyErr_Format(PyExc_TypeError, "MessageBuilder takes its values by keyword");
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        PyObject **where = name == core.s_relay_domain ? &domain
                           : name == core.s_source     ? &source
                           : name == core.s_sequence   ? &sequence
                           : name == core.s_timestamp  ? &timestamp
                           : name == core.s_flags      ? &flags
                                                       : NULL;
        if (!where) /* keywords are interned by the compiler; others are compared */
            where = PyUnicode_Compare(name, core.s_relay_domain) == 0 ? &domain
                    : PyUnicode_Compare(name, core.s_source) == 0     ? &source
                    : PyUnicode_Compare(name, core.s_sequence) == 0   ? &sequence
                    : PyUnicode_Compare(name, core.s_timestamp) == 0  ? &timestamp
                    : PyUnicode_Compare(name, core.s_flags) == 0      ? &flags
                                                                      : NULL;
        if (!where)
            return PyErr_Format(PyExc_TypeError, "MessageBuilder got an unexpected keyword argument %R", name);
        *where = args[i];
    }
    if (!domain || !source || !sequence)
        return missing("MessageBuilder", !domain ? "relay_domain" : !source ? "source" : "sequence");
    Builder *self = PyObject_New(Builder, (PyTypeObject *)type);
    if (!self)
        return NULL;
    self->message = self->small;
    self->room = SMALL;
    if (settle(self, domain, source, sequence, timestamp, flags) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static PyObject *builder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)type;
    return PyObject_VectorcallDict((PyObject *)&BuilderType, ((PyTupleObject *)args)->ob_item,
                                   (size_t)PyTuple_GET_SIZE(args), kwargs);
}

static void builder_dealloc(PyObject *self)
{
    if (((Builder *)self)->message != ((Builder *)self)->small)
        PyMem_Free(((Builder *)self)->message);
    PyObject_Free(self);
}

static int make_room(Builder *self, uint32_t needed)
{
    uint32_t room = self->room * 2 > needed ? self->room * 2 : needed;
    uint8_t *grown = PyMem_Malloc(room);
    if (!grown) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(grown, self->message, self->size);
    if (self->message != self->small)
        PyMem_Free(self->message);
    self->message = grown;
    self->room = room;
    return 0;
}

/* Appends a frame; the checks have been passed. */
static PyObject *append(Builder *self, uint8_t type, const uint8_t *payload, uint32_t size)
{
    uint32_t frame = size <= MAX_STANDARD ? STANDARD_FRAME : EXTENDED_FRAME, needed = self->size + frame + size;
    if (needed > self->room && make_room(self, needed) < 0)
        return NULL;
    uint8_t *at = self->message + self->size; /* safety: `needed` bytes are there now */
    if (frame == STANDARD_FRAME) {
        at[0] = type;
        at[1] = (uint8_t)size;
    }
    else {
        at[0] = EXTENDED_MARKER;
        at[1] = 0;
        at[2] = type;
        put16(at + 3, size);
    }
    memcpy(at + frame, payload, size);
    self->size = needed;
    return Py_NewRef((PyObject *)self);
}

static int too_large(const Builder *self, Py_ssize_t size)
{
    return size > (Py_ssize_t)MAX_EXTENDED ||
           (Py_ssize_t)self->size + (size <= (Py_ssize_t)MAX_STANDARD ? 2 : 5) + size > (Py_ssize_t)MAX_MESSAGE;
}

static PyObject *refuse_tlv(const Builder *self, PyObject *type, Py_ssize_t size, int declared)
{
    uint32_t before = self->size + (size <= (Py_ssize_t)MAX_STANDARD ? STANDARD_FRAME : EXTENDED_FRAME);
    return PyObject_CallFunction(core.refuse_tlv, "OnIO", type, size, before, declared ? Py_True : Py_False);
}

static PyObject *builder_add(PyObject *self, PyObject *tlv)
{
    Builder *builder = (Builder *)self;
    const Struct *s = (Struct *)tlv;
    if (!PyObject_TypeCheck(tlv, &StructType) || s->table->type == 0)
        return PyErr_Format(PyExc_TypeError, "add takes a TLV, not %.200s", Py_TYPE(tlv)->tp_name);
    if (too_large(builder, s->size)) {
        PyObject *number = PyLong_FromLong(s->table->type);
        PyObject *answer = number ? disagree(refuse_tlv(builder, number, s->size, 1), "add") : NULL;
        Py_XDECREF(number);
        return answer;
    }
    return append(builder, (uint8_t)s->table->type, s->data, (uint32_t)s->size);
}

static PyObject *builder_add_raw(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    Builder *builder = (Builder *)self;
    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "add_raw takes a type and a payload");
    Span span;
    if (!PyObject_CheckBuffer(args[1]) || span_of(args[1], &span) < 0) { /* no buffer, or one with gaps */
        PyErr_Clear();
        PyObject *bytes = PyObject_CallOneArg(core.as_bytes, args[1]);
        int wrong = !bytes || span_of(bytes, &span) < 0;
        Py_XDECREF(bytes);
        if (wrong)
            return NULL;
    }
    uint64_t type;
    if (!as_u64(args[0], &type) || type >= EXTENDED_MARKER || too_large(builder, span.size) ||
        span.size < core.types[type].low || span.size > core.types[type].high) {
        PyObject *number = refuse_tlv(builder, args[0], span.size, 0);
        if (!number) {
            Py_DECREF(span.owner);
            return NULL;
        }
        type = (uint64_t)PyLong_AsLong(number); /* it only needed converting to an int */
        Py_DECREF(number);
    }
    PyObject *done = append(builder, (uint8_t)type, span.data, (uint32_t)span.size);
    Py_DECREF(span.owner);
    return done;
}

/* Writes the header, and the message to `out`. */
static void finish(Builder *self, uint8_t *out, int is_signed)
{
    uint64_t now = self->timestamp;
    if (!self->has_timestamp) {
        struct timespec t;
        timespec_get(&t, TIME_UTC);
        now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    uint8_t *h = self->message;
    put32(h, MAGIC);
    h[4] = self->domain;
    h[5] = VERSION;
    h[6] = self->source;
    h[7] = self->flags;
    put64(h + 8, self->sequence);
    put64(h + 16, now);
    put32(h + 24, self->size - HEADER_SIZE);
    put32(h + CHECKSUM_OFFSET, is_signed ? crc32_message(h, self->size) : 0);
    memcpy(out, h, self->size);
}

static PyObject *builder_build(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    PyObject *sign = Py_True;
    const Parameter parameters[] = {{core.s_signed, &sign}};
    if (take_arguments("build", parameters, 1, 0, args, nargs, kwnames) < 0)
        return NULL;
    int is_signed = PyObject_IsTrue(sign);
    PyObject *made = is_signed < 0 ? NULL : PyBytes_FromStringAndSize(NULL, ((Builder *)self)->size);
    if (made)
        finish((Builder *)self, (uint8_t *)PyBytes_AS_STRING(made), is_signed);
    return made;
}

static PyObject *builder_build_into(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    Builder *builder = (Builder *)self;
    PyObject *buf = NULL, *where = core.bytes[0], *sign = Py_True;
    const Parameter parameters[] = {{core.s_buf, &buf}, {core.s_offset, &where}, {core.s_signed, &sign}};
    if (take_arguments("build_into", parameters, 3, 2, args, nargs, kwnames) < 0)
        return NULL;
    if (!buf)
        return missing("build_into", "buf");
    Py_ssize_t offset = PyNumber_AsSsize_t(where, NULL);
    if (offset == -1 && PyErr_Occurred())
        return NULL;
    int is_signed = PyObject_IsTrue(sign);
    Py_buffer target;
    if (is_signed < 0 || buffer_of(buf, &target) < 0)
        return NULL;
    PyObject *done;
    if (target.readonly || offset < 0 || offset > target.len - (Py_ssize_t)builder->size)
        done = disagree(PyObject_CallFunction(core.refuse_target, "OInO", where, builder->size, target.len,
                                              target.readonly ? Py_True : Py_False),
                        "build_into");
    else {
        finish(builder, (uint8_t *)target.buf + offset, is_signed);
        done = PyLong_FromLong((long)builder->size);
    }
    PyBuffer_Release(&target);
    return done;
}

static PyObject *builder_restart(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sequence", "timestamp", NULL};
    Builder *builder = (Builder *)self;
    PyObject *sequence = NULL, *timestamp = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OO:restart", names, &sequence, &timestamp))
        return NULL;
    if (!sequence)
        return missing("restart", "sequence");
    PyObject *domain = PyLong_FromLong(builder->domain), *source = PyLong_FromLong(builder->source);
    PyObject *flags = PyLong_FromLong(builder->flags);
    int wrong = !domain || !source || !flags || settle(builder, domain, source, sequence, timestamp, flags) < 0;
    Py_XDECREF(domain);
    Py_XDECREF(source);
    Py_XDECREF(flags);
    return wrong ? NULL : Py_NewRef(self);
}

static PyObject *builder_size(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLong((long)((Builder *)self)->size);
}

static PyGetSetDef builder_getset[] = {
    {"size", builder_size, NULL, "Bytes of the message as it stands.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef builder_methods[] = {
    {"add", builder_add, METH_O, "Append a TLV; in the extended frame where it has more than 255 bytes."},
    {"add_raw", (PyCFunction)(void (*)(void))builder_add_raw, METH_FASTCALL, "Append bytes as a TLV of any type."},
    {"build", (PyCFunction)(void (*)(void))builder_build, METH_FASTCALL | METH_KEYWORDS, "The message."},
    {"build_into", (PyCFunction)(void (*)(void))builder_build_into, METH_FASTCALL | METH_KEYWORDS,
     "Write the message to `buf` at `offset` and return its size."},
    {"restart", (PyCFunction)(void (*)(void))builder_restart, METH_VARARGS | METH_KEYWORDS,
     "Begin the next message of the same sender."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject BuilderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.MessageBuilder",
    .tp_doc = "Collects TLVs and writes the message around them.",
    .tp_basicsize = sizeof(Builder),
    .tp_dealloc = builder_dealloc,
    .tp_new = builder_new,
    .tp_vectorcall = builder_vectorcall,
    .tp_methods = builder_methods,
    .tp_getset = builder_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};
