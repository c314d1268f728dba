/* Decoder: one message type, a fixed list of places, one call for a whole message; and what it shares with Encoder.
 *
 * Owns Decoder and the lists of places of both.  Whatever is not accepted at once goes to the Decoder in Python that
 * each has beside it (`slow`), which does it or raises.  `_python/decoders.py` is the specification.
 */
#include "compiled.h"
#include "walk.h"

int take_places(Compiled *self, PyObject *rows)
{
    self->places = PyMem_Calloc((size_t)PyList_GET_SIZE(rows) + 1, sizeof(Place));
    self->steps = PyMem_Calloc((size_t)PyList_GET_SIZE(rows) + 1, sizeof(Step));
    if (!self->places || !self->steps) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++, self->place_count++) {
        Place *place = &self->places[i];
        PyObject *row, *guard, *pieces;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(rows, i), "O!pOO!", &PyTuple_Type, &row, &place->in_header, &guard,
                              &PyTuple_Type, &pieces) ||
            fill_field(&place->field, row) < 0)
            return -1;
        place->count_at = UINT32_MAX;
        if (guard != Py_None && !PyArg_ParseTuple(guard, "II", &place->count_at, &place->index))
            return -1;
        place->piece_count = (uint32_t)PyTuple_GET_SIZE(pieces);
        place->pieces = PyMem_Calloc(place->piece_count + 1u, sizeof(*place->pieces));
        for (uint32_t p = 0; place->pieces && p < place->piece_count; p++)
            if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pieces, p), "II", &place->pieces[p][0], &place->pieces[p][1]))
                return -1;
        const Field *field = &place->field;
        int simple = field->kind < K_U128;
        self->steps[i] = (Step){.high = field->high,
                                .low = field->low,
                                .offset = field->offset,
                                .count_at = place->count_at,
                                .index = place->index,
                                .kind = (uint8_t)(simple ? field->kind : K_GROUP),
                                .size = (uint8_t)(simple ? field->size : 0),
                                .in_header = (uint8_t)place->in_header,
                                .guarded = place->count_at != UINT32_MAX};
    }
    return 0;
}

void compiled_dealloc(PyObject *object)
{
    Compiled *self = (Compiled *)object;
    for (Py_ssize_t i = 0; self->places && i < self->place_count; i++) {
        Field *field = &self->places[i].field;
        Py_XDECREF(field->name);
        Py_XDECREF(field->layout);
        Py_XDECREF(field->members);
        Py_XDECREF(field->cls);
        PyMem_Free(self->places[i].pieces);
    }
    PyMem_Free(self->places);
    PyMem_Free(self->steps);
    PyMem_Free(self->template_);
    Py_XDECREF(self->cls);
    Py_XDECREF(self->paths);
    Py_XDECREF(self->slow);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *compiled_attribute(PyObject *self, void *which)
{
    return Py_NewRef(which ? ((Compiled *)self)->paths : ((Compiled *)self)->cls);
}

PyGetSetDef compiled_getset[] = {
    {"cls", compiled_attribute, NULL, "The TLV class.", (void *)0},
    {"paths", compiled_attribute, NULL, "The paths, in the order of the values.", (void *)1},
    {NULL, NULL, NULL, NULL, NULL},
};

/* The class and the paths, which are all positional arguments. */
Compiled *begin_compiled(PyTypeObject *type, PyObject *args, vectorcallfunc call)
{
    if (PyTuple_GET_SIZE(args) < 1 || !PyType_Check(PyTuple_GET_ITEM(args, 0))) {
        PyErr_SetString(PyExc_TypeError, "takes a TLV class, and paths");
        return NULL;
    }
    Table *table = table_of((PyTypeObject *)PyTuple_GET_ITEM(args, 0));
    Compiled *self = table ? (Compiled *)type->tp_alloc(type, 0) : NULL;
    if (!self)
        return NULL;
    self->call = call;
    self->table = table;
    self->cls = Py_NewRef(PyTuple_GET_ITEM(args, 0));
    self->paths = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    if (!self->paths)
        Py_CLEAR(self);
    return self;
}

/* --- Decoder --- */

static PyObject *read_group(const Place *place, const uint8_t *payload)
{
    PyObject *made = new_bytes(place->field.length);
    if (!made)
        return NULL;
    uint8_t *to = (uint8_t *)PyBytes_AS_STRING(made);
    for (uint32_t p = 0; p < place->piece_count; to += place->pieces[p++][1])
        copy_piece(to, payload + place->pieces[p][0], place->pieces[p][1]);
    return made;
}

static PyObject *read_place(const Place *place, const uint8_t *base, const uint8_t *payload, uint32_t size)
{
    const Field *field = &place->field;
    switch (field->kind) {
    case K_RAW:
        return bytes_of(base + field->offset, field->length);
    case K_GROUP:
        return read_group(place, payload);
    case K_VECTOR:
        return vector_tuples(field, payload + field->offset, NULL);
    case K_TAIL:
        return PyBytes_FromStringAndSize((const char *)payload + field->offset, (Py_ssize_t)size - field->offset);
    }
    return read_int(field->kind, base + field->offset);
}

/* The values of a message that has been checked, whose first TLV of the class is `frame`; NULL. */
static inline PyObject *read_all(const Compiled *self, const uint8_t *message, const Frame *frame)
{
    const uint8_t *payload = message + frame->start;
    uint32_t length = frame->end - frame->start;
    if (core.types[frame->type].table != self->table &&
        (length < self->table->size || !counts_fit(self->table, payload)))
        return NULL; /* the checks before know only registered classes; the Python side says what is wrong */
    PyObject *values = PyTuple_New(self->place_count);
    if (!values)
        return NULL;
    PyObject **into = ((PyTupleObject *)values)->ob_item;
    for (const Step *step = self->steps, *end = step + self->place_count; step < end; step++, into++) {
        const uint8_t *base = step->in_header ? message : payload;
        if (LIKELY(step->size && !step->guarded))
            *into = load_int(step->kind, base + step->offset);
        else if (step->guarded && get16(payload + step->count_at) <= step->index)
            *into = Py_NewRef(Py_None);
        else
            *into = read_place(&self->places[step - self->steps], base, payload, length);
        if (!LIKELY(*into)) {
            Py_DECREF(values);
            return NULL;
        }
    }
    return values;
}

static PyObject *decoder_call(PyObject *object, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    const Compiled *self = (Compiled *)object;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf), offset = 0;
    if (count < 1 || count > 2 || kwnames)
        return PyObject_Vectorcall(self->slow, args, (size_t)count, kwnames);
    if (count == 2 && (offset = PyNumber_AsSsize_t(args[1], NULL)) == -1 && PyErr_Occurred())
        return NULL;
    Span span;
    Py_buffer view = {.obj = NULL};
    if (PyBytes_CheckExact(args[0])) { /* the caller holds it for the time of the call */
        span.data = (const uint8_t *)PyBytes_AS_STRING(args[0]);
        span.size = PyBytes_GET_SIZE(args[0]);
    }
    else {
        if (buffer_of(args[0], &view) < 0)
            return NULL;
        span.data = view.buf;
        span.size = view.len;
    }
    uint32_t size;
    PyObject *values = NULL;
    Frame frame;
    if (offset >= 0 && offset <= span.size &&
        message_with(span.data + offset, span.size - offset, self->verify, self->limit, self->allow_trailing, &size,
                     (unsigned)self->table->type, &frame))
        values = frame.start ? read_all(self, span.data + offset, &frame) : Py_NewRef(Py_None);
    if (view.obj)
        PyBuffer_Release(&view);
    if (values || PyErr_Occurred())
        return values;
    return PyObject_Vectorcall(self->slow, args, (size_t)count, NULL);
}

static PyObject *decoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"checksum", "limit", "allow_trailing", NULL};
    Compiled *self = begin_compiled(type, args, decoder_call);
    if (!self)
        return NULL;
    PyObject *policy = core.enforce, *rows, *slow, *empty = PyTuple_New(0), *made = NULL;
    self->limit = MAX_MESSAGE;
    if (empty &&
        PyArg_ParseTupleAndKeywords(empty, kwargs, "|$Onp:Decoder", names, &policy, &self->limit, &self->allow_trailing))
        made = PyObject_CallFunction(core.decoder_rows, "OOOnO", self->cls, self->paths, policy, self->limit,
                                     self->allow_trailing ? Py_True : Py_False);
    Py_XDECREF(empty);
    if (!made || !PyArg_ParseTuple(made, "O!pO", &PyList_Type, &rows, &self->verify, &slow) ||
        take_places(self, rows) < 0) {
        Py_XDECREF(made);
        Py_DECREF(self);
        return NULL;
    }
    self->slow = Py_NewRef(slow);
    Py_DECREF(made);
    PyObject *paths = PyObject_GetAttrString(slow, "paths"); /* all fields, where none were named */
    if (!paths) {
        Py_DECREF(self);
        return NULL;
    }
    Py_SETREF(self->paths, paths);
    return (PyObject *)self;
}

static PyObject *decoder_decode(PyObject *object, PyObject *const *args, Py_ssize_t count,
                                PyObject *kwnames)
{
    return decoder_call(object, args, (size_t)count, kwnames);
}

static PyMethodDef decoder_methods[] = {
    {"decode", (PyCFunction)(void (*)(void))decoder_decode, METH_FASTCALL | METH_KEYWORDS,
     "The values at the paths, None where the message has no such TLV.  Raises what parse_message raises."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject DecoderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "libs.types.protocol._codec_c.Decoder",
    .tp_doc = "Decoder(cls, *paths): called with a message, checks it whole and gives the values at the paths.",
    .tp_basicsize = sizeof(Compiled),
    .tp_vectorcall_offset = offsetof(Compiled, call),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = compiled_dealloc,
    .tp_new = decoder_new,
    .tp_methods = decoder_methods,
    .tp_getset = compiled_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
};
