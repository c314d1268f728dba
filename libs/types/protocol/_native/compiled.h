/* Encoder and Decoder: what the two have in common.
 *
 * A place is a Field whose offset counts from the message start (Encoder) or from the header or payload (Decoder).
 */
#ifndef PROTOCOL_COMPILED_H
#define PROTOCOL_COMPILED_H

#include "ints.h"

typedef struct {
    Field field;
    uint32_t count_at;      /* Decoder: the vector whose count must be above `index`, or UINT32_MAX */
    uint32_t index;
    uint32_t piece_count;   /* of a group */
    uint32_t (*pieces)[2];  /* offset and size */
    int in_header;
} Place;

/* What the loops over integers need of a place, side by side in memory. */
typedef struct {
    uint64_t high;
    int64_t low;
    uint32_t offset, count_at, index;
    uint8_t kind, size; /* size 0: no such integer, look at the place itself */
    uint8_t in_header, guarded; /* guarded: None where the count is not above the index */
} Step;

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *cls, *paths, *slow;
    Table *table;
    Place *places;
    Step *steps;
    uint8_t *template_; /* Encoder: the message without arguments */
    Py_ssize_t place_count, limit;
    uint32_t total;
    int verify, allow_trailing;
} Compiled;

int take_places(Compiled *self, PyObject *rows);       /* -1 with an error set */
Compiled *begin_compiled(PyTypeObject *type, PyObject *args, vectorcallfunc call);
void compiled_dealloc(PyObject *object);
extern PyGetSetDef compiled_getset[];

/* The pieces of a group are the sizes of integers: a call for each would cost more than the copy. */
static inline void copy_piece(uint8_t *to, const uint8_t *from, uint32_t size)
{
    switch (size) {
    case 8:
        memcpy(to, from, 8);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 1:
        *to = *from;
        break;
    default:
        memcpy(to, from, size);
    }
}

#endif
