// The backward pass: gradients of states, inputs and weights.
#pragma once

#include "step_back.hpp"
#include "variant_step_back.hpp"

namespace HOLDFAST_ISA {

// Steps: `StepBack` or `VariantStepBack`, how a row goes from the gradient of h to that of sums.
template <class Real, class Cell, template <class, class> class Steps>
class Backward : Steps<Real, Cell> {
  using Base = Steps<Real, Cell>;
  using Base::at, Base::B, Base::call, Base::H, Base::I, Base::into, Base::lanes, Base::P;
  using Base::T;
  using Work = typename Base::Work;
  using Trail = typename Base::Trail;

  // Rows, of one or more steps, after which gradients go on to inputs and weights.
  static constexpr int64_t CHUNK = 2 * BLOCK;
  static constexpr int64_t panel = COLUMNS * lanes;

  // Columns of a weight's gradient while it is summed, and of the sums' gradient with room for the
  // last panel that begins at the saved gates of h.
  const int64_t rows = Cell::gates * H, columns = padded(rows, panel),
                stride = columns + Cell::recurrent * H;
  // What multiplies the sums' gradient in the weights' gradients: x and 1, h and 1; where both have one
  // sum, the one 1 serves both biases.
  const int64_t features = I + P + (Base::one_sum ? 1 : 2);
  const bool anew = this->Base::anew();
  // A thread's sums: the weights' gradients by features, then what belongs to options.
  const int64_t gradient = features * columns + this->extras();
  Buffer<Real> by_h, by_x;

  // What a thread works in.
  struct Scratch {
    Buffer<Real> sums, inputs, saved;
    Work work;
    Trail trail;
    explicit Scratch(const Backward& pass)
        : sums(CHUNK * pass.stride),
          inputs(CHUNK * pass.features),
          saved(pass.anew ? CHUNK * Cell::saved * pass.H : 0),
          work(pass, pass.anew ? CHUNK : 0),
          trail(pass, CHUNK) {}
    bool allocated() const {
      return sums.data && inputs.data && saved.data && work.allocated() && trail.allocated();
    }
  };

 public:
  explicit Backward(const HoldfastCall& given)
      : Base(given),
        by_h(rows * padded(P, lanes)),
        by_x(given.grad_x ? rows * padded(I, lanes) : 0) {}

  int run() {
    const int64_t threads = this->threads(), size = this->block_size();
    Buffer<Real> gradients(threads * gradient);
    if (!this->allocated() || !by_h.data || !by_x.data || !gradients.data) return 1;
    if (anew) this->pack();
    pack_transposed(by_h.data, at(call.weight_hh, 0), P, 0);
    if (call.grad_x && I <= FEW)
      turn(by_x.data);
    else if (call.grad_x)
      pack_transposed(by_x.data, at(call.weight_ih, 0), I, Cell::turned);
    const int64_t blocks = (B + size - 1) / size, parts = threads;
    int failed = 0;
#pragma omp parallel num_threads(static_cast<int>(parts)) if (parts > 1)
    {
      Scratch scratch(*this);
      // A part takes every parts-th block, so that what is added to what does not depend on luck.
#pragma omp for schedule(static, 1)
      for (int64_t part = 0; part < parts; ++part) {
        Real* own = gradients.data + part * gradient;
        for (int64_t index = 0; index < gradient; ++index) own[index] = 0;
        if (!scratch.allocated()) {
#pragma omp atomic write
          failed = 1;
          continue;
        }
        for (int64_t index = 0; index < CHUNK * stride; ++index) scratch.sums.data[index] = 0;
        for (int64_t block = part; block < blocks; block += parts) {
          const int64_t low = block * size, high = low + size < B ? low + size : B;
          back_through_block(low, high, scratch, own);
        }
      }
#pragma omp for schedule(static)
      for (int64_t gate = 0; gate < rows; gate += lanes) hand_over(gate, gradients.data, parts);
#pragma omp single
      this->hand_over_extras(gradients.data + features * columns, gradient, parts);
    }
    return failed;
  }

 private:
  // A weight (GH, all) in panels of its columns, gate g's rows at the place of saved gate g + turned.
  void pack_transposed(Real* to, const Real* weight, int64_t all, int turned) const {
    pack_panels(to, rows, all, [&](int64_t row) {
      return weight + (row + turned * H) % rows * all;
    });
  }

  // W_ih for `times_few`, its rows in the same order.
  void turn(Real* to) const {
    for (int64_t k = 0; k < I; ++k)
      for (int64_t row = 0; row < rows; ++row)
        *to++ = *at(call.weight_ih, (row + Cell::turned * H) % rows * I + k);
  }

  void back_through_block(int64_t low, int64_t high, Scratch& scratch, Real* own) const {
    Row<Real> row[CHUNK];
    Real* grad_x[CHUNK];
    Real* grad_h[BLOCK];
    const Real* sums[CHUNK];
    const Real* from_h[CHUNK];
    for (int64_t index = 0; index < high - low; ++index)
      grad_h[index] = into(call.grad_h, (low + index) * P);
    const int64_t steps = CHUNK / (high - low);
    for (int64_t first = 0; first < T; first += steps) {
      const int64_t last = first + steps < T ? first + steps : T;
      int64_t count = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t now = step_at(turn), here = this->rows_at(now, low, high);
        for (int64_t index = 0; index < here; ++index, ++count) {
          row[count] = this->row_at(now, low + index);
          if (anew && !call.saved_gates) row[count].saved = scratch.saved.data + count * Cell::saved * H;
          sums[count] = scratch.sums.data + count * stride;
          from_h[count] = this->hidden_sums(
              scratch.sums.data + count * stride, scratch.trail, count);
          grad_x[count] = into(call.grad_x, (this->offset(now) + low + index) * I);
        }
      }
      if (anew) compute_gates(row, count, scratch.work);
      int64_t done = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t now = step_at(turn), here = this->rows_at(now, low, high);
        this->step_back(
            row + done, here, done, scratch.sums.data + done * stride, stride, scratch.work,
            scratch.trail, own + features * columns);
        this->to_hidden(row + done, grad_h, from_h + done, here, by_h.data, scratch.trail);
        done += here;
      }
      if (call.grad_x && I <= FEW)
        times_few(grad_x, sums, count, rows, by_x.data, I);
      else if (call.grad_x)
        times_matrix<false>(grad_x, sums, count, rows, by_x.data, I);
      add_weights(row, count, scratch, own);
    }
  }

  int64_t step_at(int64_t turn) const { return call.reverse ? turn : T - 1 - turn; }

  // What the forward pass did not keep.
  void compute_gates(const Row<Real>* rows_given, int64_t count, Work& work) const {
    Row<Real> again[CHUNK];
    for (int64_t index = 0; index < count; ++index) {
      again[index] = rows_given[index];
      again[index].h = again[index].c = nullptr;
    }
    this->step(again, count, work);
  }

  void add_weights(const Row<Real>* row, int64_t count, Scratch& scratch, Real* own) const {
    for (int64_t index = 0; index < count; ++index) {
      Real* to = scratch.inputs.data + index * features;
      for (int64_t k = 0; k < I; ++k) *to++ = row[index].x[k];
      *to++ = 1;
      const Real* h = this->seen(row[index], scratch.trail);
      for (int64_t k = 0; k < P; ++k) *to++ = h[k];
      if (!Base::one_sum) *to = 1;
    }
    // In one product fewer tiles are narrow.
    if (Base::one_sum)
      add_outer<Real>(
          own, columns, scratch.inputs.data, features, features, scratch.sums.data, stride, count);
    else
      add_weights_apart(count, scratch, own);
    this->add_extras(count, scratch.trail, own + features * columns);
  }

  void add_weights_apart(int64_t count, Scratch& scratch, Real* own) const {
    add_outer<Real>(
        own, columns, scratch.inputs.data, features, I + 1, scratch.sums.data, stride, count);
    add_outer<Real>(
        own + (I + 1) * columns, columns, scratch.inputs.data + I + 1, features, P + 1,
        this->hidden_sums(scratch.sums.data, scratch.trail, 0), this->hidden_stride(stride), count);
  }

  // The parts' gradients of some rows of the weights, added up and brought into torch's order.
  void hand_over(int64_t first, const Real* gradients, int64_t parts) const {
    const int64_t last = first + lanes < rows ? first + lanes : rows;
    // Where gate g of W_ih stands among the saved gates of x.
    constexpr int turned = (Cell::gates - Cell::turned) % Cell::gates;
    const Real* of_h = gradients + (I + 1) * columns;
    bring(call.grad_weight_ih, I, gradients, first, last, turned, parts);
    bring(call.grad_weight_hh, P, of_h, first, last, 0, parts);
    if (call.norm_ih) return;  // the gradient of a bias behind a normalisation is not that of the sums
    bring(call.grad_bias_ih, 1, gradients + I * columns, first, last, turned, parts);
    bring(call.grad_bias_hh, 1, Base::one_sum ? gradients + I * columns : of_h + P * columns, first,
          last, 0, parts);
  }

  // Rows [first, last) of one weight, to (GH, count), from the gradients of its first feature.
  void bring(
      void* to, int64_t count, const Real* from, int64_t first, int64_t last, int turned,
      int64_t parts) const {
    if (!to) return;
    // In squares, so that the columns' cache lines are still there for the next row.
    for (int64_t left = 0; left < count; left += lanes) {
      const int64_t right = left + lanes < count ? left + lanes : count;
      for (int64_t row = first; row < last; ++row) {
        const Real* column = from + (row + turned * H) % rows;
        for (int64_t k = left; k < right; ++k) {
          Real sum = 0;
          for (int64_t part = 0; part < parts; ++part) sum += column[part * gradient + k * columns];
          *into(to, row * count + k) = sum;
        }
      }
    }
  }
};

}  // namespace HOLDFAST_ISA
