#pragma once
// The rows of a fit in this machine's memory: placed on the grids once, and with each row the
// products of its factors, so that the update of one input costs two factors a row and mode
// instead of all of them.
//
// What is kept is the product of all factors but that of the input updated last. The next update
// multiplies by that one as it is now and divides by the one it leaves out. Either keeps a product
// to its last digits, for the divisor is the very number that was multiplied in; where that is
// (next to) zero, the product is taken anew.

#include <cstddef>
#include <span>
#include <vector>

#include "closedform/core/aligned_vector.hpp"
#include "surrogate/als.hpp"
#include "surrogate/als_moments.hpp"

namespace closedform {

class PlacedRows : public MomentRowSums {
  public:
    /// Keeps 12 bytes a row and input, and 8 a row and mode. `tables` are read for their grids.
    PlacedRows(const FitRows& rows, std::span<const FactorTable> tables, unsigned threads,
               const StopToken& stop = {});

    /// To the end, whatever the token says: what is kept of the rows must fit together.
    bool add(const MomentQuestion& question, const StopToken& stop, CellMoments& total) override;

  private:
    /// One block of rows on its way into the moments, cell after cell.
    struct Space {
        std::vector<std::size_t> cell_end;
        std::vector<unsigned> order;
        AlignedDoubles products;
        std::vector<double> left, residual, powers;
    };
    struct Update;

    void leave_out(const Update& update, std::size_t block);
    void take(const Update& update, std::size_t block, Space& space, CellMoments& moments) const;
    std::size_t rows_of(std::size_t block) const;

    std::size_t count_;
    std::size_t inputs_;
    std::vector<double> t_;  ///< [blocks][inputs][als_block_rows]
    std::vector<int> cell_;  ///< the same
    std::vector<double> y_, weight_;
    std::vector<double> multiplier_;      ///< empty: ones
    AlignedDoubles products_;             ///< [rows][padded], without the factor of input out_
    std::size_t out_;                     ///< none yet: the number of inputs
    std::vector<AlignedDoubles> planes_;  ///< the tables multiplied in
    std::vector<CellMoments> moments_;    ///< one a piece
    std::vector<Space> spaces_;           ///< one a thread
};

}  // namespace closedform
