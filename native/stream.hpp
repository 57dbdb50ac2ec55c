// One step at a time, with packed weights that are kept from step to step.
#pragma once

#include <new>

#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell, template <class, class> class Steps>
class Stream : public HoldfastStream, Steps<Real, Cell> {
  using Base = Steps<Real, Cell>;
  using Work = typename Base::Work;
  using Base::B, Base::H, Base::I, Base::P, Base::call;

  Buffer<Real> before;  // h of the step before, while the new one is written
  Work** works = nullptr;  // one for each block of rows

 public:
  explicit Stream(const HoldfastCall& given) : Base(given), before(B * P) {}

  bool open() {
    if (!this->allocated() || !before.data) return false;
    works = new (std::nothrow) Work*[static_cast<size_t>(blocks())]();
    if (!works) return false;
    for (int64_t block = 0; block < blocks(); ++block) {
      works[block] = new (std::nothrow) Work(*this, this->block_size());
      if (!works[block] || !works[block]->allocated()) return false;
    }
    refresh();
    return true;
  }

  ~Stream() override {
    for (int64_t block = 0; works && block < blocks(); ++block) delete works[block];
    delete[] works;
  }

  void refresh() override { this->pack(); }

  void step(const void* x, bool alone) override {
    const int64_t threads = alone ? 1 : this->threads(), size = this->block_size();
#pragma omp parallel for schedule(static, 1) num_threads(static_cast<int>(threads)) if (threads > 1)
    for (int64_t low = 0; low < B; low += size) {
      const int64_t high = low + size < B ? low + size : B;
      Row<Real> rows[BLOCK];
      for (int64_t row = low; row < high; ++row) {
        Real* h = Base::into(call.output, row * P);
        std::memcpy(before.data + row * P, h, static_cast<size_t>(P) * sizeof(Real));
        Real* c = Base::into(call.cell_state, row * H);
        rows[row - low] = {Base::at(x, row * I), nullptr, before.data + row * P, c, h, c, nullptr,
                           0, row};
      }
      Base::step(rows, high - low, *works[low / size]);
    }
  }

 private:
  int64_t blocks() const {
    const int64_t size = this->block_size();
    return (B + size - 1) / size;
  }
};

}  // namespace HOLDFAST_ISA
