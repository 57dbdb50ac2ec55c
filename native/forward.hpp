// The forward pass.
#pragma once

#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell, template <class, class> class Steps>
class Forward : Steps<Real, Cell> {
  using Base = Steps<Real, Cell>;
  using Work = typename Base::Work;
  using Base::B, Base::H, Base::I, Base::T, Base::call;

  // So few rows leave registers empty, so W_ih x is computed for several steps at a time.
  static constexpr int64_t NARROW = ROWS / 2 + 1;
  static constexpr int64_t AHEAD = 64;  // rows for which that is done at once
  static constexpr int64_t WORTHWHILE = 4;  // inputs

 public:
  explicit Forward(const HoldfastCall& given) : Base(given) {}

  int run() {
    if (B == 0) return 0;
    if (!this->allocated()) return 1;
    this->pack();
    const int64_t threads = this->threads(), size = this->block_size();
    const bool ahead = size <= NARROW && I >= WORTHWHILE;
    int failed = 0;
#pragma omp parallel num_threads(static_cast<int>(threads)) if (threads > 1)
    {
      Buffer<Real> begun(ahead ? AHEAD * this->begun_size() : 0);
      Work work(*this, size);
#pragma omp for schedule(static, 1)
      for (int64_t low = 0; low < B; low += size) {
        const int64_t high = low + size < B ? low + size : B;
        if (!begun.data || !work.allocated()) {
#pragma omp atomic write
          failed = 1;
        } else if (ahead) {
          block_ahead(low, high, begun.data, work);
        } else {
          block(low, high, work);
        }
      }
      settle();
    }
    return failed;
  }

 private:
  int64_t step_at(int64_t turn) const { return call.reverse ? T - 1 - turn : turn; }

  void block(int64_t low, int64_t high, Work& work) const {
    Row<Real> rows[BLOCK];
    for (int64_t turn = 0; turn < T; ++turn) {
      const int64_t now = step_at(turn), count = this->rows_at(now, low, high);
      for (int64_t row = 0; row < count; ++row) rows[row] = this->row_at(now, low + row);
      this->step(rows, count, work);
    }
  }

  void block_ahead(int64_t low, int64_t high, Real* begun, Work& work) const {
    Row<Real> rows[AHEAD];
    const int64_t steps = AHEAD / (high - low);
    for (int64_t first = 0; first < T; first += steps) {
      const int64_t last = first + steps < T ? first + steps : T;
      int64_t count = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t now = step_at(turn), here = this->rows_at(now, low, high);
        for (int64_t row = 0; row < here; ++row) rows[count++] = this->row_at(now, low + row);
      }
      this->begin(rows, count, begun);
      count = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t here = this->rows_at(step_at(turn), low, high);
        this->step(rows + count, here, work);
        count += here;
      }
    }
  }
};

}  // namespace HOLDFAST_ISA
