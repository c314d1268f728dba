/* Messages: parsing them, and the views.
 *
 * Owns `Message`, `TLVView`, `parse_message` and `scan`.  Must not know fields of a payload.  Whether all is well is
 * found out by `walk.h`; what is not well is explained by `_python/checks.py`.
 */
#include "walk.h"

int message_fits(const uint8_t *p, Py_ssize_t there, int verify, Py_ssize_t limit, int allow_trailing, uint32_t *size)
{
    Frame unused;
    return message_with(p, there, verify, limit, allow_trailing, size, NO_TYPE, &unused);
}

int verify_policy(PyObject *policy)
{
    if (policy == core.enforce || policy == Py_True)
        return 1;
    if (policy == core.skip || policy == Py_False)
        return 0;
    PyObject *answer = PyObject_CallOneArg(core.must_verify, policy);
    int verify = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return verify;
}

/* --- one TLV --- */

typedef struct {
    PyObject_HEAD
    const uint8_t *data;
    PyObject *owner;
    uint32_t size, offset;
    uint8_t type, extended;
} TLVView;

static PyObject *tlv_view(const uint8_t *message, const Frame *frame, PyObject *owner)
{
    TLVView *self = PyObject_New(TLVView, &TLVViewType);
    if (self) {
        self->data = message + frame->start;
        self->owner = Py_NewRef(owner);
        self->size = frame->end - frame->start;
        self->offset = frame->start;
        self->type = frame->type;
        self->extended = frame->extended;
    }
    return (PyObject *)self;
}

static void tlv_dealloc(PyObject *self)
{
    Py_XDECREF(((TLVView *)self)->owner);
    PyObject_Free(self);
}

static inline PyObject *of_payload(PyTypeObject *cls, Table *table, const uint8_t *payload, uint32_t size, uint32_t offset,
                            PyObject *owner)
{
    if (size < table->size)
        return disagree(PyObject_CallFunction(core.refuse_payload, "OII", cls, size, offset), "a payload's size");
    for (Py_ssize_t i = 0; i < table->vector_count; i++) {
        const Field *field = &table->fields[table->vectors[i]];
        unsigned count = get16(payload + field->offset);
        if (count > field->capacity)
            return refuse_count(field->layout, count, table->type, offset, size);
    }
    return struct_view(cls, table, payload, table->tail ? size : table->size, owner);
}

static PyObject *tlv_decode(PyObject *self, PyObject *unused)
{
    (void)unused;
    TLVView *tlv = (TLVView *)self;
    Table *table = core.types[tlv->type].table;
    if (!table)
        return disagree(PyObject_CallFunction(core.unknown_type, "i", tlv->type), "decode");
    return of_payload((PyTypeObject *)table->cls, table, tlv->data, tlv->size, tlv->offset, tlv->owner);
}

static PyObject *tlv_get(PyObject *self, void *which)
{
    TLVView *tlv = (TLVView *)self;
    switch ((intptr_t)which) {
    case 0:
        return PyLong_FromLong(tlv->type);
    case 1:
        return PyBool_FromLong(tlv->extended);
    case 2:
        return PyLong_FromLong((long)tlv->offset);
    default:
        return region(tlv->data, tlv->size, tlv->owner, 1);
    }
}

static Py_ssize_t tlv_length(PyObject *self) { return ((TLVView *)self)->size; }

static PyObject *tlv_repr(PyObject *self)
{
    TLVView *tlv = (TLVView *)self;
    return PyObject_CallFunction(core.tlv_repr, "iIOI", tlv->type, tlv->size, tlv->extended ? Py_True : Py_False,
                                 tlv->offset);
}

static PyGetSetDef tlv_getset[] = {
    {"type", tlv_get, NULL, "The type number.", (void *)0},
    {"extended", tlv_get, NULL, "Whether its frame is the extended one.", (void *)1},
    {"offset", tlv_get, NULL, "Where the payload starts, from the message start.", (void *)2},
    {"payload", tlv_get, NULL, "The payload in place, read-only.", (void *)3},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef tlv_methods[] = {
    {"decode", tlv_decode, METH_NOARGS, "The struct declared for this type, in place.  Raises UnknownTLVType."},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods tlv_sequence = {.sq_length = tlv_length};

PyTypeObject TLVViewType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.TLVView",
    .tp_doc = "One TLV inside a message: type, extended, payload, offset (of the payload, from the message start).",
    .tp_basicsize = sizeof(TLVView),
    .tp_dealloc = tlv_dealloc,
    .tp_repr = tlv_repr,
    .tp_as_sequence = &tlv_sequence,
    .tp_getset = tlv_getset,
    .tp_methods = tlv_methods,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

/* --- the message --- */

#ifndef KEPT_MESSAGES
#define KEPT_MESSAGES 256
#endif
static Message *kept_messages[KEPT_MESSAGES];
static int kept_message_count;

static PyObject *message_view(const uint8_t *data, uint32_t size, PyObject *owner)
{
    Message *self;
    if (kept_message_count) {
        self = kept_messages[--kept_message_count];
        PyObject_Init((PyObject *)self, &MessageType);
    }
    else if (!(self = PyObject_New(Message, &MessageType)))
        return NULL;
    self->data = data;
    self->owner = Py_NewRef(owner);
    self->size = size;
    return (PyObject *)self;
}

static void message_dealloc(PyObject *self)
{
    Py_XDECREF(((Message *)self)->owner);
    if (kept_message_count < KEPT_MESSAGES)
        kept_messages[kept_message_count++] = (Message *)self;
    else
        PyObject_Free(self);
}

/* The bytes have changed since they were checked: the reference says what is wrong with them now. */
static PyObject *refuse_walk(const Message *self)
{
    PyObject *view = region(self->data, self->size, self->owner, 1);
    if (!view)
        return NULL;
    PyObject *answer = PyObject_CallOneArg(core.refuse_walk, view);
    Py_DECREF(view);
    return disagree(answer, "the walk over a message");
}

static Table *tlv_table(PyObject *cls)
{
    Table *table = PyType_Check(cls) ? table_of((PyTypeObject *)cls) : NULL;
    if (table && table->type)
        return table;
    PyErr_Format(PyExc_TypeError, "%R is no TLV class", cls);
    return NULL;
}

static PyObject *message_get(PyObject *self, PyObject *cls)
{
    Message *m = (Message *)self;
    uint32_t at = HEADER_SIZE;
    Frame frame;
    int found = next_frame(m->data, m->size, &at, &frame);
    Table *table = found == 1 ? core.types[frame.type].table : NULL;
    if (!table || table->cls != cls) /* most often it is the class that is registered for the first TLV */
        table = tlv_table(cls);
    if (!table)
        return NULL;
    for (; found == 1; found = next_frame(m->data, m->size, &at, &frame))
        if (frame.type == table->type)
            return of_payload((PyTypeObject *)cls, table, m->data + frame.start, frame.end - frame.start, frame.start,
                              m->owner);
    if (found < 0)
        return refuse_walk(m);
    Py_RETURN_NONE;
}

/* All TLVs as views (`cls` NULL), or all of one class. */
static PyObject *collect(const Message *m, PyObject *cls, Table *table)
{
    PyObject *list = PyList_New(0);
    uint32_t at = HEADER_SIZE;
    Frame frame;
    int found = 0;
    while (list && (found = next_frame(m->data, m->size, &at, &frame)) == 1) {
        if (table && frame.type != table->type)
            continue;
        PyObject *item = !table ? tlv_view(m->data, &frame, m->owner)
                                : of_payload((PyTypeObject *)cls, table, m->data + frame.start, frame.end - frame.start,
                                             frame.start, m->owner);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    if (list && found < 0) {
        Py_DECREF(list);
        return refuse_walk(m);
    }
    return list;
}

static PyObject *message_get_all(PyObject *self, PyObject *cls)
{
    Table *table = tlv_table(cls);
    return table ? collect((Message *)self, cls, table) : NULL;
}

static PyObject *message_iter(PyObject *self)
{
    PyObject *list = collect((Message *)self, NULL, NULL);
    PyObject *iterator = list ? PyObject_GetIter(list) : NULL;
    Py_XDECREF(list);
    return iterator;
}

static PyObject *message_find(PyObject *self, PyObject *number)
{
    Message *m = (Message *)self;
    Py_ssize_t wanted = PyNumber_AsSsize_t(number, NULL); /* one out of range is no type, either */
    if (wanted == -1 && PyErr_Occurred())
        return NULL;
    uint32_t at = HEADER_SIZE;
    Frame frame;
    int found;
    while ((found = next_frame(m->data, m->size, &at, &frame)) == 1)
        if (frame.type == wanted)
            return tlv_view(m->data, &frame, m->owner);
    if (found < 0)
        return refuse_walk(m);
    Py_RETURN_NONE;
}

static Py_ssize_t message_length(PyObject *self)
{
    Message *m = (Message *)self;
    uint32_t at = HEADER_SIZE;
    Py_ssize_t count = 0;
    Frame frame;
    int found;
    while ((found = next_frame(m->data, m->size, &at, &frame)) == 1)
        count++;
    if (found < 0) {
        refuse_walk(m);
        return -1;
    }
    return count;
}

static PyObject *message_attribute(PyObject *self, void *which)
{
    Message *m = (Message *)self;
    switch ((intptr_t)which) {
    case 0:
        return struct_view(core.header_class, table_of(core.header_class), m->data, HEADER_SIZE, m->owner);
    case 1:
        return PyLong_FromLong(m->data[4]);
    case 2:
        return PyLong_FromLong(m->data[6]);
    case 3:
        return read_int(K_U64, m->data + 8);
    case 4:
        return read_int(K_U64, m->data + 16);
    case 5:
        return PyLong_FromLong((long)m->size);
    default:
        return region(m->data, m->size, m->owner, 1);
    }
}

static PyObject *message_bytes(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBytes_FromStringAndSize((const char *)((Message *)self)->data, ((Message *)self)->size);
}

static int message_true(PyObject *self)
{
    (void)self;
    return 1;
}

static PyObject *message_richcompare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(other) != &MessageType)
        Py_RETURN_NOTIMPLEMENTED;
    const Message *a = (Message *)self, *b = (Message *)other;
    int equal = a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
    return PyBool_FromLong(op == Py_EQ ? equal : !equal);
}

static Py_hash_t message_hash(PyObject *self)
{
    PyObject *bytes = message_bytes(self, NULL);
    Py_hash_t hash = bytes ? PyObject_Hash(bytes) : -1;
    Py_XDECREF(bytes);
    return hash;
}

static PyObject *message_repr(PyObject *self)
{
    Message *m = (Message *)self;
    Py_ssize_t count = message_length(self);
    if (count < 0)
        return NULL;
    return PyObject_CallFunction(core.message_repr, "iiKIn", m->data[4], m->data[6],
                                 (unsigned long long)get64(m->data + 8), m->size, count);
}

static int message_buffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, (void *)((Message *)self)->data, ((Message *)self)->size, 1, flags);
}

static PyGetSetDef message_getset[] = {
    {"header", message_attribute, NULL, "The header, in place.", (void *)0},
    {"relay_domain", message_attribute, NULL, "The header's domain, as a number.", (void *)1},
    {"source", message_attribute, NULL, "The header's source, as a number.", (void *)2},
    {"sequence", message_attribute, NULL, "The header's sequence.", (void *)3},
    {"timestamp", message_attribute, NULL, "The header's timestamp, ns since 1970.", (void *)4},
    {"size", message_attribute, NULL, "Bytes of the whole message.", (void *)5},
    {"buffer", message_attribute, NULL, "The whole message in place, read-only.", (void *)6},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef message_methods[] = {
    {"get", message_get, METH_O, "The first TLV of this class, in place; None if the message has none."},
    {"get_all", message_get_all, METH_O, "All TLVs of this class, in order."},
    {"find", message_find, METH_O, "The first TLV of this number, declared or not."},
    {"__bytes__", message_bytes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods message_sequence = {.sq_length = message_length};
static PyNumberMethods message_number = {.nb_bool = message_true};
static PyBufferProcs message_as_buffer = {.bf_getbuffer = message_buffer};

PyTypeObject MessageType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Message",
    .tp_doc = "A whole, checked message in somebody's buffer.  Iterating gives a TLVView for each TLV, in order.",
    .tp_basicsize = sizeof(Message),
    .tp_dealloc = message_dealloc,
    .tp_repr = message_repr,
    .tp_richcompare = message_richcompare,
    .tp_hash = message_hash,
    .tp_iter = message_iter,
    .tp_as_sequence = &message_sequence,
    .tp_as_number = &message_number,
    .tp_as_buffer = &message_as_buffer,
    .tp_getset = message_getset,
    .tp_methods = message_methods,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

/* --- from buffers to messages --- */

PyObject *parse_message(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    (void)module;
    uint32_t size;
    if (nargs == 1 && !kwnames && PyBytes_CheckExact(args[0])) { /* the usual call; what is refused here goes on below */
        const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(args[0]);
        Frame unused;
        if (message_with(data, PyBytes_GET_SIZE(args[0]), 1, MAX_MESSAGE, 0, &size, NO_TYPE, &unused))
            return message_view(data, size, args[0]);
    }
    PyObject *buf = NULL, *where = core.bytes[0], *policy = core.enforce, *most = NULL, *trailing = Py_False;
    const Parameter parameters[] = {{core.s_buf, &buf},
                                    {core.s_offset, &where},
                                    {core.s_checksum, &policy},
                                    {core.s_limit, &most},
                                    {core.s_allow_trailing, &trailing}};
    if (take_arguments("parse_message", parameters, 5, 2, args, nargs, kwnames) < 0)
        return NULL;
    if (!buf)
        return PyErr_Format(PyExc_TypeError, "parse_message takes a buffer and an offset");
    Py_ssize_t offset = PyNumber_AsSsize_t(where, NULL); /* one out of range is out of every buffer, too */
    Py_ssize_t limit = PyErr_Occurred() ? -1 : most ? PyNumber_AsSsize_t(most, NULL) : (Py_ssize_t)MAX_MESSAGE;
    if (PyErr_Occurred())
        return NULL;
    int allow_trailing = PyObject_IsTrue(trailing), verify = 0;
    Span span;
    if (allow_trailing < 0 || span_of(buf, &span) < 0)
        return NULL;
    PyObject *made = NULL;
    int inside = offset >= 0 && offset <= span.size;
    if (inside)
        verify = verify_policy(policy);
    if (verify > -1 && inside &&
        message_fits(span.data + offset, span.size - offset, verify, limit, allow_trailing, &size))
        made = message_view(span.data + offset, size, span.owner);
    else if (verify > -1)
        made = disagree(PyObject_CallFunction(core.refuse_message, "OOOnO", buf, where, verify ? Py_True : Py_False,
                                              limit, allow_trailing ? Py_True : Py_False),
                        "parse_message");
    Py_DECREF(span.owner);
    return made;
}

PyObject *codec_scan(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    (void)module;
    if (nargs != 4)
        return PyErr_Format(PyExc_TypeError, "scan takes a buffer, an offset, a limit and whether to verify");
    Py_ssize_t at = PyNumber_AsSsize_t(args[1], PyExc_OverflowError);
    Py_ssize_t limit = PyNumber_AsSsize_t(args[2], NULL);
    int verify = PyObject_IsTrue(args[3]);
    Span span;
    if (PyErr_Occurred() || verify < 0 || span_of(args[0], &span) < 0)
        return NULL;
    PyObject *list = at < 0 ? NULL : PyList_New(0);
    uint32_t size;
    while (list && at <= span.size && message_fits(span.data + at, span.size - at, verify, limit, 1, &size)) {
        PyObject *message = message_view(span.data + at, size, span.owner);
        if (!message || PyList_Append(list, message) < 0)
            Py_CLEAR(list);
        Py_XDECREF(message);
        at += size;
    }
    Py_DECREF(span.owner);
    if (!list)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "scan takes an offset from 0");
    return Py_BuildValue("(Nn)", list, at);
}
