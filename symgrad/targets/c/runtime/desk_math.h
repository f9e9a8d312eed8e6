/* What the desk has in place of math.h: exp that compilers turn into code for several numbers.
   Its error is below one unit in the last place, infinities, NaN and subnormal results included;
   tests/test_c_desk.py measures it. */
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

/* 2^k exp(r) with |r| <= log(2)/2, and Taylor's series of exp(r); log(2) in two parts. */
static inline double desk_exp(double x) {
    const double large = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded */
    double y = (x > 710.0) ? 710.0 : x;
    y = (y < -746.0) ? -746.0 : y;
    const double shifted = (y * 1.4426950408889634) + large;
    const double k = shifted - large;
    const double r = (y - (k * 0.6931471803691238)) - (k * 1.9082149292705877e-10);
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
    p = ((r * r) * p) + r;
    const double half = (k * 0.5) + large; /* in two factors, as 2^k may be out of range */
    const double found = ((1.0 + p) * two_to(half)) * two_to((k - (half - large)) + large);
    return (x != x) ? x : found;
}

static inline float two_to_f(float shifted) {
    uint32_t bits;
    float found;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 127U) << 23;
    memcpy(&found, &bits, sizeof(found));
    return found;
}

static inline float desk_expf(float x) {
    const float large = 12582912.0f; /* 1.5 * 2^23 */
    float y = (x > 89.0f) ? 89.0f : x;
    y = (y < -104.0f) ? -104.0f : y;
    const float shifted = (y * 1.44269504f) + large;
    const float k = shifted - large;
    const float r = (y - (k * 0.693359375f)) + (k * 0.000212194440f);
    float p = 0.000198412698f;
    p = (p * r) + 0.00138888889f;
    p = (p * r) + 0.00833333333f;
    p = (p * r) + 0.0416666667f;
    p = (p * r) + 0.166666667f;
    p = (p * r) + 0.5f;
    p = ((r * r) * p) + r;
    const float half = (k * 0.5f) + large;
    const float found = ((1.0f + p) * two_to_f(half)) * two_to_f((k - (half - large)) + large);
    return (x != x) ? x : found;
}

#define exp(x) desk_exp(x)
#define expf(x) desk_expf(x)
