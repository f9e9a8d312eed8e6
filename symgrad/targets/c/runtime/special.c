/* The larger of two numbers; NaN where one is. */
static inline real larger(real x, real y) {
    return ((x >= y) || (x != x)) ? x : y;
}

/* The smaller of two numbers; NaN where one is. */
static inline real smaller(real x, real y) {
    return ((x <= y) || (x != x)) ? x : y;
}

/* -1, 0 or 1, and NaN of NaN. */
static inline real sign_of(real x) {
    if (x > 0.0) {
        return 1.0;
    }
    return (x < 0.0) ? -1.0 : x;
}

/* 0 below 0, 1 above, and a value of its own there. */
static inline real step_at(real x, real there) {
    if (x > 0.0) {
        return 1.0;
    }
    if (x < 0.0) {
        return 0.0;
    }
    return (x != x) ? x : there;
}

/* What is left of x over y, with the sign of y. */
static inline real modulo(real x, real y) {
    const real left = fmod(x, y);
    return ((left != 0.0) && ((left < 0.0) != (y < 0.0))) ? (left + y) : left;
}

/* log(exp(x) + exp(y)) */
static real log_add_exp(real x, real y) {
    if (x == y) {
        return x + 0.6931471805599453;
    }
    return larger(x, y) + log1p(exp(-fabs(x - y)));
}

/* log2(2^x + 2^y) */
static real log2_add_exp2(real x, real y) {
    if (x == y) {
        return x + 1.0;
    }
    return larger(x, y) + (1.4426950408889634 * log1p(exp(-0.6931471805599453 * fabs(x - y))));
}

/* The derivative of log Gamma, by the recurrence and the series of Abramowitz and Stegun:
   6.3.5, 6.3.7 and 6.3.18. */
static real digamma(real x) {
    const bool reflected = x < 0.0;
    real y = reflected ? (1.0 - x) : x;
    real shift = 0.0;
    while (y < 10.0) {
        shift += 1.0 / y;
        y += 1.0;
    }
    const real s = (1.0 / y) / y;
    real series = 0.004166666666666667 - (s * (0.007575757575757576 - (s * (0.021092796092796094 - (s / 12.0)))));
    series = s * (0.08333333333333333 - (s * (0.008333333333333333 - (s * (0.003968253968253968 - (s * series))))));
    real value = log(y) - (0.5 / y) - series - shift;
    if (reflected) {
        value -= 3.141592653589793 / tan(3.141592653589793 * (x - rint(x)));
    }
    return value;
}

/* The derivative of digamma: 6.4.6, 6.4.7 and 6.4.12 there. */
static real trigamma(real x) {
    const bool reflected = x < 0.0;
    real y = reflected ? (1.0 - x) : x;
    real shift = 0.0;
    while (y < 10.0) {
        shift += (1.0 / y) / y;
        y += 1.0;
    }
    const real inverse = 1.0 / y;
    const real s = inverse * inverse;
    real series = 0.03333333333333333 - (s * (0.07575757575757576 - (s * (0.2531135531135531 - (s * 1.1666666666666667)))));
    series = s * inverse * (0.16666666666666666 - (s * (0.03333333333333333 - (s * (0.023809523809523808 - (s * series))))));
    real value = inverse + (s / 2.0) + series + shift;
    if (reflected) {
        const real turned = 3.141592653589793 / sin(3.141592653589793 * (x - rint(x)));
        value = (turned * turned) - value;
    }
    return value;
}

/* log |Gamma(x)|: in [1, 3] (x - 1) (x - 2) times a polynomial; far out, Stirling's series. */
static real log_gamma(real x) {
    static const real series[] = {
        -8.190037783551156e-10, 1.5818126337371086e-09, 2.4694237633377504e-09,
        -4.358862409072515e-09, -8.952022836709702e-09, 1.6327287432845006e-08,
        -7.860744687083056e-10, 5.68873795385758e-09, -5.2038665332275675e-08,
        1.0444285443279689e-07, -1.861315818147291e-07, 3.95720794275161e-07,
        -8.554816957122729e-07, 1.8114769634727658e-06, -3.846514242663473e-06,
        8.221205092155423e-06, -1.76618554743359e-05, 3.81690832831345e-05,
        -8.30950999467849e-05, 0.00018255261441838105, -0.0004057073999387517,
        0.0009153769241238952, -0.0021081308338291313, 0.004998641164623283,
        -0.012384192193374355, 0.032965000621156974, -0.1003173016743539, 0.42278433509846713,
    };
    const real size = (x < 0.0) ? (1.0 - x) : x;
    const real turned = x - rint(x);
    if ((x - x) != 0.0) {
        return x * x; /* infinite, or NaN */
    }
    if ((x <= 0.0) && (turned == 0.0)) {
        return INFINITY; /* a pole */
    }
    real value;
    if (size < 8.0) {
        real near = (size < 1.0) ? (size + 1.0) : size;
        real factor = 1.0;
        while (near > 3.0) {
            near -= 1.0;
            factor *= near;
        }
        value = series[0];
        for (size_t k = 1U; k < (sizeof(series) / sizeof(series[0])); ++k) {
            value = (value * (near - 2.0)) + series[k];
        }
        value *= (size < 1.0) ? (size * (size - 1.0)) : ((near - 1.0) * (near - 2.0));
        value += log(factor) - ((size < 1.0) ? log(size) : 0.0);
    } else {
        const real s = (1.0 / size) / size;
        real tail = 0.0008417508417508417 - (s * (0.0019175269175269176 - (s * (0.00641025641025641 - (s * 0.02955065359477124)))));
        tail = (0.08333333333333333 - (s * (0.002777777777777778 - (s * (0.0007936507936507937 - (s * (0.0005952380952380953 - (s * tail)))))))) / size;
        value = ((size - 0.5) * (log(size) - 1.0)) + 0.4189385332046727 + tail;
    }
    if (x < 0.0) {
        value = 1.1447298858494002 - log(fabs(sin(3.141592653589793 * turned))) - value;
    }
    return value;
}

/* exp(x^2) erfc(x) for x >= 0; far out the series 7.1.23 of Abramowitz and Stegun. */
static double erfcx_of(double x) {
    if (x < 26.0) {
        const double head = rint(16.0 * x) / 16.0; /* its square is exact */
        return (erfc(x) * exp(head * head)) * exp((x - head) * (x + head));
    }
    const double s = ((1.0 / x) / x) / 2.0;
    const double tail = 1.0 - (7.0 * s * (1.0 - (9.0 * s * (1.0 - (11.0 * s)))));
    return (1.0 - (s * (1.0 - (3.0 * s * (1.0 - (5.0 * s * tail)))))) / (x * 1.772453850905516);
}

/* The x with erf(x) = y where |y| <= 1/2, by Newton's method. */
static double inverse_near(double y) {
    double x = 0.886226925452758 * y * (1.0 + (y * y * 0.2617993877991494));
    for (size_t k = 0U; k < 4U; ++k) {
        x -= (erf(x) - y) * exp(x * x) * 0.886226925452758;
    }
    return x;
}

/* The x >= 0 with erfc(x) = p, 0 <= p <= 1: steps of Halley's method for log erfc. */
static double inverse_tail(double p) {
    if ((p == 0.0) || !((p > 0.0) && (p <= 1.0))) {
        return (p == 0.0) ? INFINITY : NAN;
    }
    const double aim = log(p);
    const double square = -aim - (0.5 * log1p(-aim * 3.141592653589793));
    double x = (p > 0.2) ? (0.886 * (1.0 - p)) : sqrt((square > 0.0) ? square : 0.0);
    for (size_t k = 0U; k < 4U; ++k) {
        const double scaled = erfcx_of(x);
        const double slope = -1.1283791670955126 / scaled;
        const double off = log(scaled) - (x * x) - aim;
        const double curve = -slope * ((2.0 * x) + slope);
        x -= off / (slope - (((off * curve) / slope) / 2.0));
    }
    return x;
}

/* exp(x^2) erfc(x) */
static real scaled_erfc(real x) {
    return (real)erfcx_of((double)x);
}

/* The inverse of erfc. */
static real inverse_erfc(real y) {
    const double p = (double)y;
    const double near = 1.0 - p;
    if (fabs(near) < 0.5) {
        return (real)inverse_near(near);
    }
    return (real)((p > 1.0) ? -inverse_tail(2.0 - p) : inverse_tail(p));
}

/* The inverse of erf. */
static real inverse_erf(real y) {
    const double near = (double)y;
    if (fabs(near) < 0.5) {
        return (real)inverse_near(near);
    }
    return (real)((near < 0.0) ? -inverse_tail(1.0 + near) : inverse_tail(1.0 - near));
}
