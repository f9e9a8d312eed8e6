/* Where the largest entry stands; the first of equal ones, or the first NaN. */
static size_t of_largest(const real *x, size_t n) {
    size_t found = 0U;
    for (size_t i = 1U; i < n; ++i) {
        if ((x[i] > x[found]) || ((x[i] != x[i]) && (x[found] == x[found]))) {
            found = i;
        }
    }
    return found;
}

/* Where the smallest entry stands; the first of equal ones, or the first NaN. */
static size_t of_smallest(const real *x, size_t n) {
    size_t found = 0U;
    for (size_t i = 1U; i < n; ++i) {
        if ((x[i] < x[found]) || ((x[i] != x[i]) && (x[found] == x[found]))) {
            found = i;
        }
    }
    return found;
}

/* 1 where entry i comes before entry j: it is smaller, or the first of equal ones; NaN is last. */
static int comes_before(const real *x, size_t i, size_t j) {
    if ((x[i] != x[i]) || (x[j] != x[j])) {
        return ((x[i] == x[i]) || ((x[j] != x[j]) && (i < j))) ? 1 : 0;
    }
    return ((x[i] < x[j]) || ((x[i] == x[j]) && (i < j))) ? 1 : 0;
}

/* Restores a heap, the last entry in order at its top, in which only the one at top may be wrong. */
static void sunk(const real *x, size_t *order, size_t top, size_t n) {
    size_t here = top;
    size_t child = (2U * here) + 1U;
    while (child < n) {
        if (((child + 1U) < n) && (comes_before(x, order[child], order[child + 1U]) == 1)) {
            ++child;
        }
        if (comes_before(x, order[here], order[child]) == 1) {
            const size_t kept = order[here];
            order[here] = order[child];
            order[child] = kept;
            here = child;
            child = (2U * here) + 1U;
        } else {
            child = n;
        }
    }
}

/* Where the smallest entry stands, then the next one, ...: by a heap, in n log n steps. */
static void in_order(const real *x, size_t *order, size_t n) {
    for (size_t i = 0U; i < n; ++i) {
        order[i] = i;
    }
    for (size_t top = n / 2U; top > 0U; --top) {
        sunk(x, order, top - 1U, n);
    }
    for (size_t end = n; end > 1U; --end) {
        const size_t kept = order[0];
        order[0] = order[end - 1U];
        order[end - 1U] = kept;
        sunk(x, order, 0U, end - 1U);
    }
}
