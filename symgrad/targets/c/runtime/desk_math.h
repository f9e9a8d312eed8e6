/* What the desk has in place of math.h: functions that compilers turn into code for several numbers.
   The error is below one unit in the last place for exp and log, below two and a half for tanh;
   infinities, NaN and subnormal numbers are right.  tests/test_c_desk.py measures it. */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^n for a whole number n from -1022 to 1023, of which the last bits of n + 1.5 * 2^52 are given. */
static inline double two_to(double shifted) {
    uint64_t bits;
    double found;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 1023U) << 52;
    memcpy(&found, &bits, sizeof(found));
    return found;
}

/* exp(r) - 1 with |r| <= log(2)/2, by Taylor's series. */
static inline double small_expm1(double r) {
    double p = 1.6059043836821613e-10;
    p = (p * r) + 2.08767569878681e-09;
    p = (p * r) + 2.505210838544172e-08;
    p = (p * r) + 2.755731922398589e-07;
    p = (p * r) + 2.7557319223985893e-06;
    p = (p * r) + 2.48015873015873e-05;
    p = (p * r) + 0.0001984126984126984;
    p = (p * r) + 0.001388888888888889;
    p = (p * r) + 0.008333333333333333;
    p = (p * r) + 0.041666666666666664;
    p = (p * r) + 0.16666666666666666;
    p = (p * r) + 0.5;
    return ((r * r) * p) + r;
}

/* 2^k exp(r) with |r| <= log(2)/2; log(2) in two parts. */
static inline double desk_exp(double x) {
    const double large = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded */
    double y = (x > 710.0) ? 710.0 : x;
    y = (y < -746.0) ? -746.0 : y;
    const double shifted = (y * 1.4426950408889634) + large;
    const double k = shifted - large;
    const double r = (y - (k * 0.6931471803691238)) - (k * 1.9082149292705877e-10);
    const double p = small_expm1(r);
    const double half = (k * 0.5) + large; /* in two factors, as 2^k may be out of range */
    const double found = ((1.0 + p) * two_to(half)) * two_to((k - (half - large)) + large);
    return (x != x) ? x : found;
}

/* e/(e + 2) with e = exp(2|x|) - 1 = 2^k (exp(r) - 1) + 2^k - 1; from |x| = 22 on it is 1. */
static inline double desk_tanh(double x) {
    const double large = 6755399441055744.0;
    const double size = fabs(x);
    const double y = (size > 22.0) ? 44.0 : (2.0 * size);
    const double shifted = (y * 1.4426950408889634) + large;
    const double k = shifted - large;
    const double r = (y - (k * 0.6931471803691238)) - (k * 1.9082149292705877e-10);
    const double power = two_to(shifted);
    const double e = (power * small_expm1(r)) + (power - 1.0);
    return (x != x) ? x : copysign(e / (e + 2.0), x);
}

/* k log(2) + log(m) with m from sqrt(1/2) to sqrt(2), and log(m) = 2 artanh((m - 1)/(m + 1)). */
static inline double desk_log(double x) {
    const double least = 2.2250738585072014e-308;
    const double y = (x < least) ? (x * 18014398509481984.0) : x; /* 2^54 */
    uint64_t bits;
    uint64_t high;
    double k;
    double m;
    memcpy(&bits, &y, sizeof(bits));
    bits += 0x00095F619980C433U; /* so that m is below sqrt(2), or the exponent one higher */
    high = (bits >> 52) | 0x4330000000000000U;
    bits = (bits & 0x000FFFFFFFFFFFFFU) + 0x3FE6A09E667F3BCDU;
    memcpy(&k, &high, sizeof(k));
    memcpy(&m, &bits, sizeof(m));
    k -= 4503599627371519.0 + ((x < least) ? 54.0 : 0.0); /* 2^52 + 1023 */
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double p = 0.08695652173913043;
    p = (p * z) + 0.09523809523809523;
    p = (p * z) + 0.10526315789473684;
    p = (p * z) + 0.11764705882352941;
    p = (p * z) + 0.13333333333333333;
    p = (p * z) + 0.15384615384615385;
    p = (p * z) + 0.18181818181818182;
    p = (p * z) + 0.2222222222222222;
    p = (p * z) + 0.2857142857142857;
    p = (p * z) + 0.4;
    p = (p * z) + 0.6666666666666666;
    const double f = m - 1.0;
    const double rest = (s * ((p * z) - f)) + (k * 1.9082149292705877e-10);
    const double found = (k * 0.6931471803691238) + (f + rest);
    const double edge = (x == 0.0) ? -INFINITY : NAN;
    return (x > 0.0) ? ((x < INFINITY) ? found : x) : edge;
}

static inline float two_to_f(float shifted) {
    uint32_t bits;
    float found;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 127U) << 23;
    memcpy(&found, &bits, sizeof(found));
    return found;
}

static inline float small_expm1f(float r) {
    float p = 0.000198412698f;
    p = (p * r) + 0.00138888889f;
    p = (p * r) + 0.00833333333f;
    p = (p * r) + 0.0416666667f;
    p = (p * r) + 0.166666667f;
    p = (p * r) + 0.5f;
    return ((r * r) * p) + r;
}

static inline float desk_expf(float x) {
    const float large = 12582912.0f; /* 1.5 * 2^23 */
    float y = (x > 89.0f) ? 89.0f : x;
    y = (y < -104.0f) ? -104.0f : y;
    const float shifted = (y * 1.44269504f) + large;
    const float k = shifted - large;
    const float r = (y - (k * 0.693359375f)) + (k * 0.000212194440f);
    const float p = small_expm1f(r);
    const float half = (k * 0.5f) + large;
    const float found = ((1.0f + p) * two_to_f(half)) * two_to_f((k - (half - large)) + large);
    return (x != x) ? x : found;
}

static inline float desk_tanhf(float x) {
    const float large = 12582912.0f;
    const float size = fabsf(x);
    const float y = (size > 10.0f) ? 20.0f : (2.0f * size);
    const float shifted = (y * 1.44269504f) + large;
    const float k = shifted - large;
    const float r = (y - (k * 0.693359375f)) + (k * 0.000212194440f);
    const float power = two_to_f(shifted);
    const float e = (power * small_expm1f(r)) + (power - 1.0f);
    return (x != x) ? x : copysignf(e / (e + 2.0f), x);
}

static inline float desk_logf(float x) {
    const float least = 1.17549435e-38f;
    const float y = (x < least) ? (x * 33554432.0f) : x; /* 2^25 */
    uint32_t bits;
    float m;
    memcpy(&bits, &y, sizeof(bits));
    bits += 0x004AFB0DU;
    const int32_t exponent = (int32_t)(bits >> 23) - 127;
    const float k = (float)exponent - ((x < least) ? 25.0f : 0.0f);
    bits = (bits & 0x007FFFFFU) + 0x3F3504F3U;
    memcpy(&m, &bits, sizeof(m));
    const float f = m - 1.0f;
    const float s = f / (m + 1.0f);
    const float z = s * s;
    float p = 0.222222222f;
    p = (p * z) + 0.285714286f;
    p = (p * z) + 0.4f;
    p = (p * z) + 0.666666667f;
    const float rest = (s * ((p * z) - f)) - (k * 0.000212194440f);
    const float found = (k * 0.693359375f) + (f + rest);
    const float edge = (x == 0.0f) ? -INFINITY : NAN;
    return (x > 0.0f) ? ((x < INFINITY) ? found : x) : edge;
}

#define exp(x) desk_exp(x)
#define expf(x) desk_expf(x)
#define tanh(x) desk_tanh(x)
#define tanhf(x) desk_tanhf(x)
#define log(x) desk_log(x)
#define logf(x) desk_logf(x)
