/* L and U of a matrix with its rows in another order, in its place; order[k] is the row that came
   to k.  The sign of the order, 0 where a pivot is 0. */
static real factorised(real *a, size_t *order, size_t n) {
    real sign = 1.0;
    for (size_t k = 0U; k < n; ++k) {
        size_t pivot = k;
        for (size_t i = k + 1U; i < n; ++i) {
            if (fabs(a[(n * i) + k]) > fabs(a[(n * pivot) + k])) {
                pivot = i;
            }
        }
        order[k] = pivot;
        if (pivot != k) {
            sign = -sign;
            for (size_t j = 0U; j < n; ++j) {
                const real kept = a[(n * k) + j];
                a[(n * k) + j] = a[(n * pivot) + j];
                a[(n * pivot) + j] = kept;
            }
        }
        if (a[(n * k) + k] == 0.0) {
            sign = 0.0;
        } else {
            for (size_t i = k + 1U; i < n; ++i) {
                const real factor = a[(n * i) + k] / a[(n * k) + k];
                a[(n * i) + k] = factor;
                for (size_t j = k + 1U; j < n; ++j) {
                    a[(n * i) + j] -= factor * a[(n * k) + j];
                }
            }
        }
    }
    return sign;
}

/* x with A x in its place, for m columns, of factors; NaN where A has no inverse. */
static void solved(const real *factors, const size_t *order, real sign, real *x, size_t n, size_t m) {
    for (size_t k = 0U; k < n; ++k) {
        const size_t other = order[k];
        for (size_t j = 0U; j < m; ++j) {
            const real kept = x[(m * k) + j];
            x[(m * k) + j] = x[(m * other) + j];
            x[(m * other) + j] = kept;
        }
    }
    for (size_t i = 0U; i < n; ++i) {
        for (size_t k = 0U; k < i; ++k) {
            for (size_t j = 0U; j < m; ++j) {
                x[(m * i) + j] -= factors[(n * i) + k] * x[(m * k) + j];
            }
        }
    }
    for (size_t back = 1U; back <= n; ++back) {
        const size_t i = n - back;
        for (size_t k = i + 1U; k < n; ++k) {
            for (size_t j = 0U; j < m; ++j) {
                x[(m * i) + j] -= factors[(n * i) + k] * x[(m * k) + j];
            }
        }
        for (size_t j = 0U; j < m; ++j) {
            x[(m * i) + j] = (sign == 0.0) ? NAN : (x[(m * i) + j] / factors[(n * i) + i]);
        }
    }
}

/* A unit matrix. */
static void unit(real *a, size_t n) {
    for (size_t i = 0U; i < n; ++i) {
        for (size_t j = 0U; j < n; ++j) {
            a[(n * i) + j] = (i == j) ? 1.0 : 0.0;
        }
    }
}

/* The right-hand side becomes the solution, and the matrix its factors. */
static void solve(real *a, size_t *order, real *x, size_t n, size_t m) {
    const real sign = factorised(a, order, n);
    solved(a, order, sign, x, n, m);
}

/* The inverse; the matrix becomes its factors. */
static void inverted(real *a, size_t *order, real *inverse, size_t n) {
    unit(inverse, n);
    solve(a, order, inverse, n, n);
}

/* The largest sum of the absolute values of a row. */
static real largest_row(const real *a, size_t n) {
    real largest = 0.0;
    for (size_t i = 0U; i < n; ++i) {
        real row = 0.0;
        for (size_t j = 0U; j < n; ++j) {
            row += fabs(a[(n * i) + j]);
        }
        largest = fmax(largest, row);
    }
    return largest;
}

/* The inverse, NaN where it is known to a few digits only; the matrix becomes its factors. */
static void regular_inverse(real *a, size_t *order, real *inverse, size_t n) {
    const real size = largest_row(a, n);
    inverted(a, order, inverse, n);
    const real most = (sizeof(real) == 4U) ? 1.5e5 : 5e11;
    if (!((size * largest_row(inverse, n)) < most)) {
        for (size_t k = 0U; k < (n * n); ++k) {
            inverse[k] = NAN;
        }
    }
}

/* The determinant; the matrix becomes its factors. */
static real determinant(real *a, size_t *order, size_t n) {
    real value = factorised(a, order, n);
    for (size_t k = 0U; k < n; ++k) {
        value *= a[(n * k) + k];
    }
    return value;
}

/* The sign of the determinant; the matrix becomes its factors. */
static real sign_of_determinant(real *a, size_t *order, size_t n) {
    real sign = factorised(a, order, n);
    for (size_t k = 0U; k < n; ++k) {
        sign = (a[(n * k) + k] < 0.0) ? -sign : sign;
    }
    return sign;
}

/* log |det A|; the matrix becomes its factors. */
static real log_determinant(real *a, size_t *order, size_t n) {
    const real sign = factorised(a, order, n);
    real value = (sign == 0.0) ? -INFINITY : 0.0;
    if (sign != 0.0) {
        for (size_t k = 0U; k < n; ++k) {
            value += log(fabs(a[(n * k) + k]));
        }
    }
    return value;
}

/* The lower triangle L with A = L transpose(L), in the place of A, of which the lower triangle is
   read; NaN where A is not positive definite. */
static void cholesky(real *a, size_t n) {
    for (size_t j = 0U; j < n; ++j) {
        for (size_t i = 0U; i < j; ++i) {
            a[(n * i) + j] = 0.0;
        }
        for (size_t i = j; i < n; ++i) {
            real left = a[(n * i) + j];
            for (size_t k = 0U; k < j; ++k) {
                left -= a[(n * i) + k] * a[(n * j) + k];
            }
            a[(n * i) + j] = left;
        }
        const real root = (a[(n * j) + j] > 0.0) ? sqrt(a[(n * j) + j]) : NAN;
        for (size_t i = j; i < n; ++i) {
            a[(n * i) + j] = (i == j) ? root : (a[(n * i) + j] / root);
        }
    }
}

/* The transpose of the matrix of cofactors, each the determinant of what is left of the matrix;
   that goes into a part. */
static void adjugate(const real *a, real *part, size_t *order, real *value, size_t n) {
    for (size_t i = 0U; i < n; ++i) {
        for (size_t j = 0U; j < n; ++j) {
            size_t place = 0U;
            for (size_t k = 0U; k < (n * n); ++k) {
                if (((k / n) != i) && ((k % n) != j)) {
                    part[place] = a[k];
                    ++place;
                }
            }
            const real minor_ = determinant(part, order, n - 1U);
            value[(n * j) + i] = (((i + j) % 2U) == 0U) ? minor_ : -minor_;
        }
    }
}
