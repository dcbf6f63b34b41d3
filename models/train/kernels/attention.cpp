// Causal attention within each conversation, one task per head and conversation.
#include <algorithm>
#include <cmath>
#include <vector>

#include "bf16.h"

constexpr int HEAD = 32;  // dimensions of an attention head
constexpr int ROWS = 4;   // queries handled together, so that a loaded key or value is used four times

// 32 values of a head are held in two vectors: those at even places, then those at odd places, which is how rotation
// wants them. Products and sums over a head do not mind the order.
struct Head {
  Lanes even, odd;
};

static inline Head widen(const bf16* p) {
  const Words words = *reinterpret_cast<const Words*>(p);
  return {(Lanes)(words << 16), (Lanes)(words & 0xffff0000)};
}

static inline Words rounded(Lanes x) {
  const Words bits = (Words)x;
  return bits + 0x7fff + ((bits >> 16) & 1);
}

static inline void narrow(const Head& x, bf16* p) {
  *reinterpret_cast<Words*>(p) = (rounded(x.even) >> 16) | (rounded(x.odd) & 0xffff0000);
}

static inline Head rotate(const Head& x, const Lanes& cosine, const Lanes& sine) {
  return {x.even * cosine - x.odd * sine, x.even * sine + x.odd * cosine};
}

static inline void store(const Head& x, float* p) { lanes(p) = x.even, lanes(p + WIDTH) = x.odd; }

// One head of one conversation in float: queries and keys rotated, row after row and (keys, values) also transposed.
struct HeadData {
  long length, stride;
  std::vector<float> q, k, v, kt, vt;

  void load(const bf16* qkv, long first, long n, int head, int heads, const float* table, bool backward) {
    length = n, stride = padded(n + ROWS);
    const long size = stride * HEAD, dim = long(heads) * HEAD;
    for (auto* buffer : {&q, &k, &v, &kt, &vt})
      if (long(buffer->size()) < size) buffer->resize(size);
    std::memset(q.data() + n * HEAD, 0, ROWS * HEAD * sizeof(float));
    for (long i = 0; i < n; i++) {
      const bf16* row = qkv + (first + i) * 3 * dim + head * HEAD;
      const Lanes cosine = lanes(table + i * HEAD), sine = lanes(table + i * HEAD + WIDTH);
      store(rotate(widen(row), cosine, sine), &q[i * HEAD]);
      store(rotate(widen(row + dim), cosine, sine), &k[i * HEAD]);
      store(widen(row + 2 * dim), &v[i * HEAD]);
    }
    transpose(k, kt);
    if (backward) transpose(v, vt);
  }

  void transpose(const std::vector<float>& from, std::vector<float>& to) {
    for (int d = 0; d < HEAD; d++) {
      for (long j = 0; j < length; j++) to[d * stride + j] = from[j * HEAD + d];
      for (long j = length; j < stride; j++) to[d * stride + j] = 0;
    }
  }
};

// out[r][j] = Σ_d rows[r][d] · columns[d][j] for ROWS rows and `count` (rounded up) columns.
static inline void products(const float* rows, const float* columns, long stride, long count, float* out) {
  for (long j = 0; j < count; j += WIDTH) {
    Lanes sum[ROWS] = {};
    for (int d = 0; d < HEAD; d++) {
      const Lanes column = lanes(columns + d * stride + j);
      for (int r = 0; r < ROWS; r++) sum[r] += rows[r * HEAD + d] * column;
    }
    for (int r = 0; r < ROWS; r++) lanes(out + r * stride + j) = sum[r];
  }
}

// out[r] = Σ_j weights[r][j] · rows[j] for ROWS weights and `count` rows of HEAD floats.
static inline void combine(const float* weights, long stride, float* rows, long count, float* out) {
  Lanes sum[ROWS][2] = {};
  for (long j = 0; j < count; j++) {
    const Lanes low = lanes(rows + j * HEAD), high = lanes(rows + j * HEAD + WIDTH);
    for (int r = 0; r < ROWS; r++) {
      sum[r][0] += weights[r * stride + j] * low;
      sum[r][1] += weights[r * stride + j] * high;
    }
  }
  for (int r = 0; r < ROWS; r++) lanes(out + r * HEAD) = sum[r][0], lanes(out + r * HEAD + WIDTH) = sum[r][1];
}

static void attend(HeadData& data, bf16* out, float* logSums, long first, int head, int heads) {
  static thread_local std::vector<float> scores;
  if (long(scores.size()) < ROWS * data.stride) scores.resize(ROWS * data.stride);
  const float scale = 1 / std::sqrt(float(HEAD));
  for (long i = 0; i < data.length; i += ROWS) {
    const long rows = std::min<long>(ROWS, data.length - i), count = i + rows;
    products(&data.q[i * HEAD], data.kt.data(), data.stride, count, scores.data());
    float inverse[ROWS] = {}, sums[ROWS * HEAD];
    for (long r = 0; r < ROWS; r++) {
      float* row = &scores[r * data.stride];
      const long visible = r < rows ? i + r + 1 : 0;
      float most = visible ? row[0] : 0, sum = 0;
      for (long j = 0; j < visible; j++) most = row[j] > most ? row[j] : most;
      for (long j = 0; j < visible; j++) row[j] = std::exp((row[j] - most) * scale), sum += row[j];
      for (long j = visible; j < count; j++) row[j] = 0;
      if (!visible) continue;
      inverse[r] = 1 / sum;
      logSums[(first + i + r) * heads + head] = most * scale + std::log(sum);
    }
    combine(scores.data(), data.stride, data.v.data(), count, sums);
    for (long r = 0; r < rows; r++)
      narrow({lanes(sums + r * HEAD) * inverse[r], lanes(sums + r * HEAD + WIDTH) * inverse[r]}, out + ((first + i + r) * heads + head) * HEAD);
  }
}

struct HeadGradient {
  std::vector<float> q, k, v, out;
  void clear(long size) {
    for (auto* buffer : {&q, &k, &v, &out}) buffer->assign(size, 0);
  }
};

static void attendBackward(HeadData& data, HeadGradient& g, const bf16* out, const bf16* gOut, const float* logSums, long first, int head, int heads) {
  static thread_local std::vector<float> p, dp;
  const long size = ROWS * data.stride;
  if (long(p.size()) < size) p.resize(size), dp.resize(size);
  g.clear(data.stride * HEAD);
  const float scale = 1 / std::sqrt(float(HEAD));
  for (long i = 0; i < data.length; i++)
    store(widen(gOut + ((first + i) * heads + head) * HEAD), &g.out[i * HEAD]);
  for (long i = 0; i < data.length; i += ROWS) {
    const long rows = std::min<long>(ROWS, data.length - i), count = i + rows;
    products(&data.q[i * HEAD], data.kt.data(), data.stride, count, p.data());
    products(&g.out[i * HEAD], data.vt.data(), data.stride, count, dp.data());
    for (long r = 0; r < ROWS; r++) {
      float *pr = &p[r * data.stride], *dr = &dp[r * data.stride];
      const long visible = r < rows ? i + r + 1 : 0;
      for (long j = visible; j < count; j++) pr[j] = dr[j] = 0;
      if (!visible) continue;
      const long token = (first + i + r) * heads + head;
      float inner = 0;  // the gradient's part along the output, which softmax removes
      const Head o = widen(out + token * HEAD);
      const Lanes along = lanes(&g.out[(i + r) * HEAD]) * o.even + lanes(&g.out[(i + r) * HEAD + WIDTH]) * o.odd;
      for (int d = 0; d < WIDTH; d++) inner += along[d];
      const float logSum = logSums[token];
      for (long j = 0; j < visible; j++) {
        pr[j] = std::exp(pr[j] * scale - logSum);
        dr[j] = pr[j] * (dr[j] - inner) * scale;
      }
    }
    combine(dp.data(), data.stride, data.k.data(), count, &g.q[i * HEAD]);
    for (long j = 0; j < count; j++) {
      Lanes k0 = lanes(&g.k[j * HEAD]), k1 = lanes(&g.k[j * HEAD + WIDTH]), v0 = lanes(&g.v[j * HEAD]), v1 = lanes(&g.v[j * HEAD + WIDTH]);
      for (int r = 0; r < ROWS; r++) {
        const float a = dp[r * data.stride + j], b = p[r * data.stride + j];
        k0 += a * lanes(&data.q[(i + r) * HEAD]), k1 += a * lanes(&data.q[(i + r) * HEAD + WIDTH]);
        v0 += b * lanes(&g.out[(i + r) * HEAD]), v1 += b * lanes(&g.out[(i + r) * HEAD + WIDTH]);
      }
      lanes(&g.k[j * HEAD]) = k0, lanes(&g.k[j * HEAD + WIDTH]) = k1, lanes(&g.v[j * HEAD]) = v0, lanes(&g.v[j * HEAD + WIDTH]) = v1;
    }
  }
}

extern "C" {

void attention_forward(const bf16* qkv, const int64_t* starts, int64_t sequences, int64_t heads, const float* table, bf16* out, float* logSums) {
#pragma omp parallel for schedule(dynamic)
  for (long task = 0; task < sequences * heads; task++) {
    static thread_local HeadData data;
    const long s = task / heads, head = task % heads;
    data.load(qkv, starts[s], starts[s + 1] - starts[s], head, heads, table, false);
    attend(data, out, logSums, starts[s], head, heads);
  }
}

void attention_backward(const bf16* qkv, const int64_t* starts, int64_t sequences, int64_t heads, const float* table, const bf16* out, const float* logSums, const bf16* gOut, bf16* gQkv) {
  const long dim = heads * HEAD;
#pragma omp parallel for schedule(dynamic)
  for (long task = 0; task < sequences * heads; task++) {
    static thread_local HeadData data;
    static thread_local HeadGradient g;
    const long s = task / heads, head = task % heads, first = starts[s], n = starts[s + 1] - first;
    data.load(qkv, first, n, head, heads, table, true);
    attendBackward(data, g, out, gOut, logSums, first, head, heads);
    for (long i = 0; i < n; i++) {
      bf16* row = gQkv + (first + i) * 3 * dim + head * HEAD;
      const Lanes cosine = lanes(table + i * HEAD), sine = -lanes(table + i * HEAD + WIDTH);  // rotated back
      narrow(rotate({lanes(&g.q[i * HEAD]), lanes(&g.q[i * HEAD + WIDTH])}, cosine, sine), row);
      narrow(rotate({lanes(&g.k[i * HEAD]), lanes(&g.k[i * HEAD + WIDTH])}, cosine, sine), row + dim);
      narrow({lanes(&g.v[i * HEAD]), lanes(&g.v[i * HEAD + WIDTH])}, row + 2 * dim);
    }
  }
}
}
