#pragma once
// A stack of dense layers: value and input gradient of any of its neurons for many rows. Rows go
// through in blocks, one matrix product a layer forwards (the slopes of the activations are kept)
// and one backwards (reverse mode: Rumelhart, Hinton, Williams 1986).

#include <cstddef>
#include <string_view>
#include <vector>

#include "closedform/core/activation.hpp"
#include "closedform/core/matrix_view.hpp"

namespace closedform {

/// Throws std::invalid_argument for a name that is not one of Activation's.
Activation activation_named(std::string_view name);

/// y = activation(W x + b)
template <class T>
struct DenseLayer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::vector<T> weights;  ///< [outputs x inputs]
    std::vector<T> bias;     ///< [outputs]
    Activation activation = Activation::identity;
    double parameter = 0;  ///< the activation's
};

/// Which number f of the network is asked for.
struct Head {
    enum class Kind {
        neuron,             ///< neuron `index` of layer `layer`
        before_activation,  ///< the same before its activation
        log_odds  ///< z_index - log sum_{j != index} exp z_j, z the layer's outputs before
                  ///< their activation: what a softmax over them turns into log(p/(1-p))
    };
    Kind kind = Kind::neuron;
    std::size_t layer = 0;
    std::size_t index = 0;
};

/// The rows of the head's layer that its f depends on, as a layer of its own: one neuron, or all
/// the logits of a softmax. Throws std::invalid_argument for a head the layers have not.
template <class T>
DenseLayer<T> head_layer(const std::vector<DenseLayer<T>>& layers, const Head& head);

/// T, float or double, is the precision of weights and arithmetic.
template <class T>
class Network {
  public:
    /// Throws std::invalid_argument when there is no layer, one is empty or its sizes disagree with
    /// its arrays or the layer before.
    explicit Network(std::vector<DenseLayer<T>> layers);

    std::size_t inputs() const { return layers_.front().inputs; }
    const std::vector<DenseLayer<T>>& layers() const { return layers_; }

    /// f of every row into `value` [rows] and df/dx into `gradient` [rows x inputs]; either may be
    /// null. X, float or double, is read where it lies; if it is not T, block by block converted.
    /// Beside the output, memory for one block of rows per thread. `threads` 0: all cores; the
    /// result does not depend on it. Throws std::invalid_argument for a head the network has not
    /// or rows of another width.
    template <class X>
    void evaluate(MatrixView<const X> rows, const Head& head, double* value, double* gradient,
                  unsigned threads = 0) const;

  private:
    std::vector<DenseLayer<T>> layers_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace closedform
