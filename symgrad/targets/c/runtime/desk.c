/* What the desk adds to a generated file: how large its workspace is, and products by a library. */
#include "NAME.h"

size_t NAME_workspace_bytes(void);
size_t NAME_workspace_bytes(void) {
    return sizeof(NAME_workspace);
}

#if defined(GEMM)
typedef void gemm(const char *, const char *, const int *, const int *, const int *, const REAL *,
                  const REAL *, const int *, const REAL *, const int *, const REAL *, REAL *,
                  const int *);

gemm *NAME_library;

/* The library counts column by column, where the transpose of a product is theirs, turned round. */
void NAME_gemm(bool a_turned, bool b_turned, int rows, int columns, int between, const REAL *a,
               int a_apart, const REAL *b, int b_apart, REAL *c, int c_apart, bool add) {
    const REAL one = 1;
    const REAL kept = add ? 1 : 0;
    NAME_library(b_turned ? "T" : "N", a_turned ? "T" : "N", &columns, &rows, &between, &one, b,
                 &b_apart, a, &a_apart, &kept, c, &c_apart);
}
#endif
