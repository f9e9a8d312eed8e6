/* A function of Python without arguments that calls one of C with arguments that stay the same. */
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdbool.h>
#include <stdlib.h>

typedef double of_doubles(const void *given, const void *derived, void *work);
typedef float of_floats(const void *given, const void *derived, void *work);
typedef bool of_arrays(const void *given, void *value, const void *derived, void *work);

typedef struct {
    char kind; /* d, f, or a where the value is an array */
    bool is_long;
    unsigned long thread;
    union {
        void *address;
        of_doubles *d;
        of_floats *f;
        of_arrays *a;
    } function;
    void *given;
    void *value;
    void *derived;
    void *work;
    PyObject *array;
    PyObject *gradients;
    PyObject *kept;
} bound;

static const char NAME[] = "symgrad.bound";

static double called(const bound *b) {
    switch (b->kind) {
    case 'd':
        return b->function.d(b->given, b->derived, b->work);
    case 'f':
        return (double)b->function.f(b->given, b->derived, b->work);
    default:
        (void)b->function.a(b->given, b->value, b->derived, b->work);
        return 0.0;
    }
}

static PyObject *call(PyObject *self, PyObject *unused) {
    (void)unused;
    const bound *b = PyCapsule_GetPointer(self, NAME);
    double value;
    if (b->thread != PyThread_get_thread_ident()) {
        PyErr_SetString(PyExc_ValueError,
                        "what bind() gave belongs to another thread: bind there");
        return NULL;
    }
    if (b->is_long) {
        Py_BEGIN_ALLOW_THREADS
        value = called(b);
        Py_END_ALLOW_THREADS
    } else {
        value = called(b);
    }
    PyObject *number = (b->kind == 'a') ? Py_NewRef(b->array) : PyFloat_FromDouble(value);
    PyObject *both = (number == NULL) ? NULL : PyTuple_Pack(2, number, b->gradients);
    Py_XDECREF(number);
    return both;
}

static void forget(PyObject *capsule) {
    bound *b = PyCapsule_GetPointer(capsule, NAME);
    Py_DECREF(b->array);
    Py_DECREF(b->gradients);
    Py_DECREF(b->kept);
    free(b);
}

static PyMethodDef method = {"bound", call, METH_NOARGS,
                             "The value and the derivatives of what is now in the arrays."};

/* The objects are kept for as long as the function is. */
PyObject *symgrad_bind(int kind, int is_long, void *function, void *given, void *value,
                       void *derived, void *work, PyObject *array, PyObject *gradients,
                       PyObject *kept) {
    bound *b = malloc(sizeof(bound));
    if (b == NULL) {
        return PyErr_NoMemory();
    }
    *b = (bound){(char)kind, is_long != 0, PyThread_get_thread_ident(), {function}, given, value,
                 derived, work, Py_NewRef(array), Py_NewRef(gradients), Py_NewRef(kept)};
    PyObject *capsule = PyCapsule_New(b, NAME, forget);
    PyObject *found = (capsule == NULL) ? NULL : PyCFunction_New(&method, capsule);
    Py_XDECREF(capsule);
    return found;
}
