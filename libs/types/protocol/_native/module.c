/* The module: fetches what it needs of the Python side, and offers the names that `_codec.py` lists.
 *
 * Owns `core`, the one state of the compiled codec.  It is process-wide, so the module can be loaded once in a process;
 * a second load under another name is refused instead of sharing tables by accident.
 */
#include "core.h"
#include "crc32.h"

Core core;

extern PyMethodDef batch_methods[]; /* batch_python.c */

typedef struct {
    PyObject **into;
    const char *name;
} Wanted;

static int fetch(PyObject *package, const char *module, const Wanted *wanted)
{
    PyObject *name = PyUnicode_FromFormat("%U.%s", package, module);
    PyObject *found = name ? PyImport_Import(name) : NULL;
    Py_XDECREF(name);
    for (; found && wanted->into; wanted++)
        if (!(*wanted->into = PyObject_GetAttrString(found, wanted->name))) {
            Py_DECREF(found);
            return -1;
        }
    Py_XDECREF(found);
    return found ? 0 : -1;
}

static int numbers_of(PyObject *package, const char *enumeration, uint8_t *table)
{
    PyObject *members, *iterator, *member;
    if (fetch(package, "constants", (Wanted[]){{&members, enumeration}, {NULL, NULL}}) < 0)
        return -1;
    iterator = PyObject_GetIter(members);
    Py_DECREF(members);
    while (iterator && (member = PyIter_Next(iterator))) {
        long number = PyLong_AsLong(member);
        if (number >= 0 && number < 256)
            table[number] = 1;
        Py_DECREF(member);
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

static int fetch_all(PyObject *package)
{
    const Wanted refusals[] = {
        {&core.pack_slow, "pack_slow"},
        {&core.canonical, "canonical"},
        {&core.refuse_message, "refuse_message"},
        {&core.refuse_struct, "refuse_struct"},
        {&core.refuse_payload, "refuse_payload"},
        {&core.refuse_count, "refuse_count"},
        {&core.unknown_type, "unknown_type"},
        {&core.refuse_walk, "refuse_walk"},
        {&core.refuse_builder, "refuse_builder"},
        {&core.refuse_tlv, "refuse_tlv"},
        {&core.refuse_target, "refuse_target"},
        {&core.as_bytes, "as_bytes"},
        {&core.message_repr, "message_repr"},
        {&core.tlv_repr, "tlv_repr"},
        {NULL, NULL},
    };
    const Wanted tables[] = {
        {&core.table_rows, "layout_rows"},
        {&core.vector_row, "vector_row"},
        {&core.encoder_rows, "encoder_rows"},
        {&core.decoder_rows, "decoder_rows"},
        {NULL, NULL},
    };
    PyObject *policy;
    if (fetch(package, "_python.refusals", refusals) < 0 || fetch(package, "tables", tables) < 0 ||
        fetch(package, "constants", (Wanted[]){{&policy, "ChecksumPolicy"}, {&core.must_verify, "must_verify"}, {NULL, NULL}}) < 0)
        return -1;
    core.enforce = PyObject_GetAttrString(policy, "ENFORCE");
    core.skip = PyObject_GetAttrString(policy, "SKIP");
    Py_DECREF(policy);
    if (!core.enforce || !core.skip)
        return -1;
    return numbers_of(package, "RelayDomain", core.domains) || numbers_of(package, "SourceType", core.sources) ? -1 : 0;
}

static int intern_all(void)
{
    const Wanted names[] = {
        {&core.s_table, "__table__"},
        {&core.s_type, "TYPE"},
        {&core.s_checksum, "checksum"},
        {&core.s_limit, "limit"},
        {&core.s_allow_trailing, "allow_trailing"},
        {&core.s_signed, "signed"},
        {&core.s_offset, "offset"},
        {&core.s_buf, "buf"},
        {&core.s_relay_domain, "relay_domain"},
        {&core.s_source, "source"},
        {&core.s_sequence, "sequence"},
        {&core.s_timestamp, "timestamp"},
        {&core.s_flags, "flags"},
        {NULL, NULL},
    };
    for (const Wanted *name = names; name->into; name++)
        if (!(*name->into = PyUnicode_InternFromString(name->name)))
            return -1;
    return 0;
}

int take_arguments(const char *function, const Parameter *parameters, Py_ssize_t count, Py_ssize_t positional,
                   PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    if (nargs > positional) {
        PyErr_Format(PyExc_TypeError, "%s takes at most %zd positional arguments, got %zd", function, positional, nargs);
        return -1;
    }
    for (Py_ssize_t i = 0; i < nargs; i++)
        *parameters[i].value = args[i];
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        Py_ssize_t at = nargs; /* those before are taken by place */
        while (at < count && name != parameters[at].name && PyUnicode_Compare(name, parameters[at].name) != 0)
            at++;
        if (at == count) {
            PyErr_Format(PyExc_TypeError, "%s got an unexpected keyword argument %R", function, name);
            return -1;
        }
        *parameters[at].value = args[nargs + i];
    }
    return 0;
}

static PyObject *configure(PyObject *module, PyObject *header)
{
    (void)module;
    if (!PyType_Check(header) || !table_of((PyTypeObject *)header))
        return PyErr_Format(PyExc_TypeError, "configure takes the class of the header");
    Py_XSETREF(core.header_class, (PyTypeObject *)Py_NewRef(header));
    Py_RETURN_NONE;
}

static PyObject *configure_vector(PyObject *module, PyObject *vector)
{
    (void)module;
    if (!PyType_Check(vector) || !PyType_IsSubtype((PyTypeObject *)vector, &VectorType))
        return PyErr_Format(PyExc_TypeError, "configure_vector takes a subclass of VectorBase");
    lighten((PyTypeObject *)vector, vector_dealloc);
    Py_XSETREF(core.vector_class, (PyTypeObject *)Py_NewRef(vector));
    Py_RETURN_NONE;
}

/* register_type(info): the size bounds of a type, and its class where it has one. */
static PyObject *register_type(PyObject *module, PyObject *info)
{
    (void)module;
    unsigned long long values[3];
    const char *names[] = {"number", "low", "high"};
    for (int i = 0; i < 3; i++) {
        PyObject *value = PyObject_GetAttrString(info, names[i]);
        values[i] = value ? PyLong_AsUnsignedLongLong(value) : 0;
        Py_XDECREF(value);
        if (PyErr_Occurred())
            return NULL;
    }
    PyObject *cls = PyObject_GetAttrString(info, "cls");
    if (!cls || values[0] >= EXTENDED_MARKER) {
        Py_XDECREF(cls);
        return cls ? PyErr_Format(PyExc_ValueError, "255 is no type") : NULL;
    }
    TypeEntry *entry = &core.types[values[0]];
    entry->low = (uint32_t)values[1];
    entry->high = (uint32_t)values[2];
    entry->table = cls == Py_None ? NULL : table_of((PyTypeObject *)cls);
    Py_DECREF(cls);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *register_source(PyObject *module, PyObject *number)
{
    (void)module;
    uint64_t source;
    if (!as_u64(number, &source) || source > 255)
        return PyErr_Format(PyExc_ValueError, "a source is a byte");
    core.sources[source] = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"bind", codec_bind, METH_VARARGS, "Give a declared class its layout and a descriptor for each field."},
    {"configure", configure, METH_O, "Take the class that reads message headers."},
    {"configure_vector", configure_vector, METH_O, "Take the class that vectors are shown as."},
    {"register_type", register_type, METH_O, "Take the size bounds and the class of a type number."},
    {"register_source", register_source, METH_O, "Take one more known source number."},
    {"element_method", element_method, METH_VARARGS,
     "element_method(cls, called, vector, name): the method of `cls` that reads the field `name` of an element."},
    {"open_vector", open_vector, METH_VARARGS, "A vector that owns its storage and may write to it."},
    {"parse_message", (PyCFunction)(void (*)(void))parse_message, METH_FASTCALL | METH_KEYWORDS,
     "parse_message(buf, offset=0, *, checksum=ChecksumPolicy.ENFORCE, limit=1048576, allow_trailing=False)\n\n"
     "Check the message at `offset` and give a view on it; nothing is copied."},
    {"scan", (PyCFunction)(void (*)(void))codec_scan, METH_FASTCALL,
     "The messages that follow each other from `offset`, and where the first incomplete or wrong one starts."},
    {"message_runs", (PyCFunction)(void (*)(void))message_runs, METH_FASTCALL,
     "message_runs(buf, apart)\n\n"
     "The runs of consecutive numbers from the beginning of `buf`, and where the first incomplete message starts."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    static int loaded;
    if (loaded) {
        PyErr_SetString(PyExc_ImportError, "the compiled codec is loaded already, under another name; use that one");
        return -1;
    }
    PyObject *name = PyModule_GetNameObject(module);
    if (!name)
        return -1;
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), -1);
    PyObject *package = dot < 0 ? NULL : PyUnicode_Substring(name, 0, dot);
    Py_DECREF(name);
    if (!package) {
        PyErr_SetString(PyExc_ImportError, "the compiled codec is a part of its package and not imported by itself");
        return -1;
    }
    for (int i = 0; i < 256; i++) {
        core.types[i].high = UINT32_MAX;
        if (!(core.bytes[i] = PyLong_FromLong(i)))
            return -1;
    }
    crc32_init();
    int wrong = intern_all() < 0 || fetch_all(package) < 0;
    Py_DECREF(package);
    struct {
        PyTypeObject *type;
        const char *name;
    } types[] = {
        {&StructType, "StructBase"}, {&VectorType, "VectorBase"}, {&MessageType, "Message"},   {&TLVViewType, "TLVView"},
        {&BuilderType, "MessageBuilder"}, {&EncoderType, "Encoder"}, {&DecoderType, "Decoder"},
        {&ElementReaderType, NULL}, {&TableType, NULL}, {&HolderType, NULL}, {&RegionType, NULL},
        {&FieldReaderType, NULL},
    };
    for (size_t i = 0; !wrong && i < sizeof(types) / sizeof(types[0]); i++)
        wrong = PyType_Ready(types[i].type) < 0 ||
                (types[i].name && PyModule_AddObjectRef(module, types[i].name, (PyObject *)types[i].type) < 0);
    wrong = wrong || PyModule_AddFunctions(module, batch_methods) < 0;
    loaded = !wrong;
    return wrong ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_codec_c",
    .m_doc = "The codec, compiled; see core.h.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__codec_c(void) { return PyModuleDef_Init(&definition); }
