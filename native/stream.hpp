// One step at a time, with packed weights that are kept from step to step.
#pragma once

#include <new>

#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell>
class Stream : public HoldfastStream, Pass<Real, Cell> {
  using Base = Pass<Real, Cell>;
  using Base::B, Base::H, Base::I, Base::call;

  Buffer<Real> before;  // h of the step before, while the new one is written

 public:
  explicit Stream(const HoldfastCall& given) : Base(given), before(given.batch * given.units) {}

  bool open() {
    if (!this->packed.data || !this->biases.data || !before.data) return false;
    refresh();
    return true;
  }

  void refresh() override { this->pack(); }

  void step(const void* x, bool alone) override {
    const int64_t threads = alone ? 1 : this->threads(), size = this->block_size();
#pragma omp parallel for schedule(static, 1) num_threads(static_cast<int>(threads)) if (threads > 1)
    for (int64_t low = 0; low < B; low += size) {
      const int64_t high = low + size < B ? low + size : B;
      Row<Real> rows[BLOCK];
      for (int64_t row = low; row < high; ++row) {
        Real* h = Base::into(call.output, row * H);
        std::memcpy(before.data + row * H, h, static_cast<size_t>(H) * sizeof(Real));
        Real* c = Base::into(call.cell_state, row * H);
        rows[row - low] = {Base::at(x, row * I), nullptr, before.data + row * H, c, h, c, nullptr};
      }
      Base::step(rows, high - low);
    }
  }
};

}  // namespace HOLDFAST_ISA
