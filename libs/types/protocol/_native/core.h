/* What the compiled codec's files share: tables, objects, and what each file offers to the others.
 *
 * The compiled codec knows no message by name.  A declared class comes with a Table (made from its Layout by `tables.py`),
 * and everything works on tables.  It only has the good path: whatever it does not accept at once goes to the Python
 * implementation, which either does it or raises the error that explains it.  So there is one place where errors are
 * made, and both implementations agree by construction.
 *
 * Lifetime: a view holds `owner`, the object whose memory `data` points into (a bytes object, a struct with bytes of its
 * own, or a Holder, which keeps a Py_buffer).  Tables live as long as the process: declared classes do, too.
 */
#ifndef PROTOCOL_CORE_H
#define PROTOCOL_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HEADER_SIZE 32u
#define CHECKSUM_OFFSET 28u
#define MAGIC 0xDEADBEEFu
#define VERSION 1u
#define EXTENDED_MARKER 255u
#define STANDARD_FRAME 2u
#define EXTENDED_FRAME 5u
#define MAX_STANDARD 255u
#define MAX_EXTENDED 65535u
#define MAX_MESSAGE 1048576u

/* The kinds of value, as `tables.py` numbers them. */
enum kind {
    K_U8, K_U16, K_U32, K_U64, K_I8, K_I16, K_I32, K_I64, K_U128, K_I128,
    K_RAW,    /* `length` bytes */
    K_STRUCT, /* a struct in place */
    K_VECTOR, /* count and slots */
    K_TAIL,   /* the rest of the payload */
    K_GROUP,  /* bytes gathered from several places (Encoder and Decoder only) */
};

struct Table;

/* What nearly always holds: the compiler lays the other branch aside. */
#if defined(__GNUC__)
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#else
#define LIKELY(condition) (condition)
#endif

/* What a loop over integers needs of a field, side by side in memory. */
typedef struct {
    uint64_t high; /* the largest value, and the least */
    int64_t low;
    uint32_t offset, size;
    int wide; /* eight bytes may be stored, the upper ones 0: what they belong to is written later, or padding */
} IntField;

typedef struct {
    PyObject *name;    /* interned */
    PyObject *layout;  /* the FieldLayout, or the VectorKind of a vector of its own */
    PyObject *members; /* dict of an enum's members, or NULL */
    PyObject *cls;     /* class of a struct or of a vector's elements, or NULL */
    struct Table *inner; /* that class's table */
    int kind;
    int element;       /* kind of a vector's elements */
    int required;
    int preset; /* a vector whose place holds a default: what is written shorter must not leave the rest of it */
    uint32_t offset, size, length;
    uint32_t element_size, first, capacity, least;
    uint64_t high; /* the largest value of an integer of up to 8 bytes, and the least */
    int64_t low;
} Field;

typedef struct Table {
    PyObject_HEAD
    PyObject *cls; /* kept: it and its table live as long as the process */
    Field *fields;
    IntField *integers; /* all fields, where all are integers of up to 8 bytes; else NULL */
    int all_wide; /* these there are, and all of them wide */
    uint32_t *vectors; /* indices of the fields that are vectors */
    uint32_t (*gaps)[2]; /* offset and size of all padding, also that inside of fields, but not inside of vectors */
    uint8_t *defaults; /* the struct's bytes with every default in place */
    Py_ssize_t field_count, vector_count, gap_count;
    uint32_t size;
    int tail, type, nested; /* nested: there are structs in it */
    int deep; /* a struct inside of it has vectors, which is left to the Python side */
    Py_ssize_t required; /* how many fields have no default */
    unsigned direct, looked_at; /* versions of the class: whose fields may be read at once, and the last that was looked at */
} Table;

#define NO_VERSION UINT_MAX

typedef struct {
    PyObject_VAR_HEAD /* ob_size: bytes stored in the object itself, 0 for a view */
    const uint8_t *data;
    PyObject *owner; /* NULL when the bytes are the object's own */
    Table *table;
    Py_ssize_t size;
    uint8_t own[];
} Struct;

typedef struct {
    PyObject_HEAD
    const uint8_t *data; /* the vector's first byte */
    PyObject *owner;
    const Field *field;
    int mutable_;
} Vector;

typedef struct {
    PyObject_HEAD
    const uint8_t *data;
    PyObject *owner;
    uint32_t size;
} Message;

typedef struct {
    uint32_t start, end; /* of the payload, from the message's start */
    uint8_t type, extended;
} Frame;

/* What the walk knows of a type number; `high` is UINT32_MAX where nothing is known. */
typedef struct {
    uint32_t low, high;
    Table *table;
} TypeEntry;

/* Objects of the Python side, fetched once when the module is loaded. */
typedef struct {
    PyObject *enforce, *skip, *must_verify;
    PyObject *pack_slow, *canonical, *refuse_message, *refuse_struct, *refuse_payload, *refuse_count, *unknown_type;
    PyObject *refuse_walk, *refuse_builder, *refuse_tlv, *refuse_target, *as_bytes, *message_repr, *tlv_repr;
    PyObject *table_rows, *vector_row, *encoder_rows, *decoder_rows;
    PyObject *s_table, *s_type, *s_checksum, *s_limit, *s_allow_trailing, *s_signed, *s_offset, *s_buf;
    PyObject *s_relay_domain, *s_source, *s_sequence, *s_timestamp, *s_flags;
    PyTypeObject *header_class, *vector_class;
    PyObject *bytes[256]; /* the ints 0 to 255 */
    uint8_t domains[256], sources[256];
    TypeEntry types[256];
} Core;

extern Core core;
extern PyTypeObject StructType, VectorType, MessageType, TLVViewType, TableType, HolderType, RegionType;
extern PyTypeObject FieldReaderType, ElementReaderType, BuilderType, EncoderType, DecoderType;

/* fields.c: values in and out of bytes */
int long_bits(PyObject *value, uint64_t *out);             /* see ints.h */
int as_u64(PyObject *value, uint64_t *out);               /* 1, or 0 with no error set */
int write_value(const Field *field, uint8_t *at, PyObject *value); /* 1 done, 0 not accepted, -1 error set */
PyObject *read_int(int kind, const uint8_t *at);
PyObject *read_value(const Field *field, const uint8_t *base, Py_ssize_t size, PyObject *owner, int type);
PyObject *vector_tuples(const Field *field, const uint8_t *at, PyObject *owner);

/* tables.c */
Table *table_of(PyTypeObject *cls);                        /* borrowed; TypeError when `cls` is no declared struct */
Table *make_table(PyObject *cls, PyObject *layout);
int fill_field(Field *field, PyObject *row);

/* structs.c */
PyObject *struct_view(PyTypeObject *cls, Table *table, const uint8_t *data, Py_ssize_t size, PyObject *owner);
PyObject *codec_bind(PyObject *module, PyObject *args);
void lighten(PyTypeObject *cls, destructor dealloc);

/* attributes.c */
int read_by_attribute(PyTypeObject *cls, Table *table); /* puts the readers of its fields into a declared class */

/* Whether `obj` is a struct of this table.  Nearly always it is of the very class that the table was made for. */
static inline int is_struct_of(PyObject *obj, const Table *table)
{
    return (PyObject *)Py_TYPE(obj) == table->cls ||
           (PyObject_TypeCheck(obj, &StructType) && ((Struct *)obj)->table == table);
}
int clear_padding(const Table *table, uint8_t *own); /* 0 where only the Python side can */

/* vectors.c */
PyObject *vector_open(const Field *field, const uint8_t *base, PyObject *owner, int type);
void vector_dealloc(PyObject *self);
PyObject *refuse_count(PyObject *kind, unsigned count, int type, uint32_t offset, uint32_t size); /* NULL */
PyObject *open_vector(PyObject *module, PyObject *args);

/* elements.c */
PyObject *element_method(PyObject *module, PyObject *args);

/* module.c: arguments by place or by name */
typedef struct {
    PyObject *name;
    PyObject **value; /* keeps what it has when the argument is not given; borrowed */
} Parameter;
int take_arguments(const char *function, const Parameter *parameters, Py_ssize_t count, Py_ssize_t positional,
                   PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames); /* -1 with an error set */

/* memory.c: other people's bytes */
typedef struct {
    const uint8_t *data;
    Py_ssize_t size;
    PyObject *owner;
} Span;
int buffer_of(PyObject *buf, Py_buffer *view); /* -1 with a TypeError or a BufferError set, as `byte_view` raises them */
int span_of(PyObject *buf, Span *span); /* takes a reference to an owner; -1 with an error set */
PyObject *region(const uint8_t *data, Py_ssize_t size, PyObject *owner, int readonly); /* a memoryview */

/* messages.c */
int message_fits(const uint8_t *p, Py_ssize_t there, int verify, Py_ssize_t limit, int allow_trailing, uint32_t *size);
int verify_policy(PyObject *policy); /* 1 enforce, 0 skip, -1 error set */
PyObject *parse_message(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *codec_scan(PyObject *module, PyObject *const *args, Py_ssize_t nargs);
PyObject *message_runs(PyObject *module, PyObject *const *args, Py_ssize_t nargs); /* runs.c */

/* little-endian numbers at any address */
static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t get32(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
#else
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
#endif
}
static inline uint64_t get64(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
#else
    return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
#endif
}
static inline void put_bytes(uint8_t *p, uint64_t v, int count)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(p, &v, (size_t)count);
#else
    for (int i = 0; i < count; i++)
        p[i] = (uint8_t)(v >> (8 * i));
#endif
}
#define put16(p, v) put_bytes(p, v, 2)
#define put32(p, v) put_bytes(p, v, 4)
#define put64(p, v) put_bytes(p, v, 8)

/* A refusal came back as a result: the two implementations do not agree, which is a defect of this package. */
static inline PyObject *disagree(PyObject *answer, const char *where)
{
    if (answer) {
        Py_DECREF(answer);
        PyErr_Format(PyExc_SystemError, "the compiled codec refused in %s what the Python codec accepts", where);
    }
    return NULL;
}

#endif
