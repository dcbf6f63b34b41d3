// Kernels that treat each token by itself: addition with norm, SwiGLU, cross-entropy.
#include <cmath>
#include <vector>

#include "bf16.h"

extern "C" {
void add_norm_forward(const float* x, const bf16* delta, const float* gain, float* sum, bf16* normed, float* scales, int64_t n, int64_t dim, float epsilon) {
#pragma omp parallel for
  for (long i = 0; i < n; i++) {
    const float* in = x + i * dim;
    float *out = sum + i * dim, square = 0;
    for (long d = 0; d < dim; d++) out[d] = in[d] + widen(delta[i * dim + d]), square += out[d] * out[d];
    const float scale = scales[i] = 1 / std::sqrt(square / dim + epsilon);
    for (long d = 0; d < dim; d++) normed[i * dim + d] = narrow(out[d] * scale * gain[d]);
  }
}

void add_norm_backward(const float* sum, const float* gain, const float* scales, const float* gSum, const bf16* gNormed, float* gX, bf16* gDelta, float* gGain, int64_t n, int64_t dim) {
#pragma omp parallel
  {
    std::vector<float> gGainHere(dim, 0);
#pragma omp for
    for (long i = 0; i < n; i++) {
      const float *x = sum + i * dim, scale = scales[i];
      const bf16* g = gNormed + i * dim;
      float inner = 0;
      for (long d = 0; d < dim; d++) {
        const float gradient = widen(g[d]);
        inner += gradient * gain[d] * x[d];
        gGainHere[d] += gradient * x[d] * scale;
      }
      inner *= scale * scale / dim;
      for (long d = 0; d < dim; d++) {
        const float out = gX[i * dim + d] = gSum[i * dim + d] + scale * (widen(g[d]) * gain[d] - x[d] * inner);
        gDelta[i * dim + d] = narrow(out);
      }
    }
#pragma omp critical
    for (long d = 0; d < dim; d++) gGain[d] += gGainHere[d];
  }
}

void swiglu_forward(const bf16* gateUp, bf16* out, int64_t n, int64_t width) {
#pragma omp parallel for
  for (long i = 0; i < n; i++)
    for (long d = 0; d < width; d++) {
      const float gate = widen(gateUp[i * 2 * width + d]), up = widen(gateUp[(i * 2 + 1) * width + d]);
      out[i * width + d] = narrow(gate / (1 + std::exp(-gate)) * up);
    }
}

void swiglu_backward(const bf16* gateUp, const bf16* gOut, bf16* gGateUp, int64_t n, int64_t width) {
#pragma omp parallel for
  for (long i = 0; i < n; i++)
    for (long d = 0; d < width; d++) {
      const float gate = widen(gateUp[i * 2 * width + d]), up = widen(gateUp[(i * 2 + 1) * width + d]), g = widen(gOut[i * width + d]);
      const float sigmoid = 1 / (1 + std::exp(-gate));
      gGateUp[i * 2 * width + d] = narrow(g * up * sigmoid * (1 + gate * (1 - sigmoid)));
      gGateUp[(i * 2 + 1) * width + d] = narrow(g * gate * sigmoid);
    }
}

// Losses in nats, and the gradient of Σ weight · loss, which replaces the logits.
void cross_entropy(bf16* logits, const int64_t* targets, const float* weights, float* losses, int64_t n, int64_t vocabulary) {
#pragma omp parallel
  {
    std::vector<float> row(vocabulary);
#pragma omp for
    for (long i = 0; i < n; i++) {
      bf16* in = logits + i * vocabulary;
      float most = -1e30f, sum = 0;
      for (long j = 0; j < vocabulary; j++) row[j] = widen(in[j]), most = row[j] > most ? row[j] : most;
      const float target = row[targets[i]];
      for (long j = 0; j < vocabulary; j++) row[j] = std::exp(row[j] - most), sum += row[j];
      losses[i] = std::log(sum) + most - target;
      const float scale = weights[i] / sum;
      row[targets[i]] -= sum;
      for (long j = 0; j < vocabulary; j++) in[j] = narrow(row[j] * scale);
    }
  }
}
}
