"""
    GradientCosine

The gradient-cosine objective for SymbolicRegression.jl: how far the directions of an expression's
gradients are from given ones (Wetzel, arXiv 2401.04978, with the repairs below).

The loss is the weighted mean over rows of `|u - v|^2`, `u` the unit gradient given and `v` that of
the expression, summed over inputs. It is `2 - 2 cos` of the angle, computed as squares so that
rounding cannot make it negative. Unless `signed`, the smaller of the losses of the expression and
of its negative is taken: one sign for all rows. A zero gradient has `v = 0`, so it matches a zero
one only and costs 1 otherwise; one that is lost in the rounding of the expression's value counts
as zero, or a search is paid for expressions that underflow.

The target column that SymbolicRegression carries along, `dataset.y`, holds the rows' numbers 1 to n:
a batch, whose `X` and `y` are views, thereby says which rows it is of.
"""
module GradientCosine

using SymbolicRegression: Dataset, eval_grad_tree_array
import Zygote  # what eval_grad_tree_array differentiates the operators with

export Objective

"How much smaller than the value a gradient is that rounding has left; cpp kernels/direction.hpp."
const FLOOR = 1e-11

"""
    Objective(directions, scales, weights, signed)

A loss function `(tree, dataset, options) -> loss` for `Options(loss_function=...)`.

# Arguments
- `directions`: (d, n), columns of length 1 or 0: the unit gradients to be parallel to.
- `scales`: (d, n) factors of the expression's gradient before its length is taken, for inputs that
  are themselves functions of others; or `nothing`.
- `weights`: (n), not negative, or `nothing`.
- `signed`: tells an expression from its negative.
"""
struct Objective{T<:AbstractFloat,S<:Union{Nothing,Matrix{T}},W<:Union{Nothing,Vector{T}}} <:
       Function
    directions::Matrix{T}
    scales::S
    weights::W
    signed::Bool

    function Objective(directions::AbstractMatrix{T}, scales, weights, signed) where {T}
        U = Matrix{T}(directions)
        S = isnothing(scales) ? nothing : Matrix{T}(scales)
        w = isnothing(weights) ? nothing : Vector{T}(weights)
        isnothing(S) || size(S) == size(U) ||
            throw(DimensionMismatch("scales: need the size of directions"))
        isnothing(w) || length(w) == size(U, 2) ||
            throw(DimensionMismatch("weights: need one for each column of directions"))
        return new{T,typeof(S),typeof(w)}(U, S, w, signed)
    end
end

function (objective::Objective{T})(tree, dataset::Dataset{T,L}, options)::L where {T,L}
    # A copy: eval_grad_tree_array takes no views before SymbolicRegression 2.0.
    X = dataset.X isa Matrix ? dataset.X : Matrix{T}(dataset.X)
    value, gradient, complete = eval_grad_tree_array(tree, X, options; variable=true)
    complete || return L(Inf)
    return L(loss(objective, value, gradient, dataset.y))
end

"""
    loss(objective, value, gradient, rows)

The loss of an expression of these values (n) and gradients (d, n), at the numbered rows of the
objective. Infinite where either is not finite.
"""
function loss(
    objective::Objective{T}, value::AbstractVector, gradient::AbstractMatrix, rows::AbstractVector
) where {T}
    U = objective.directions
    minus = plus = total = zero(T)
    for k in eachindex(value, rows)
        row = round(Int, rows[k])
        squares = zero(T)
        for j in axes(U, 1)
            squares += abs2(scaled(objective, gradient, j, k, row))
        end
        (isfinite(squares) && isfinite(value[k])) || return T(Inf)
        inverse = inverse_norm(squares, value[k])
        below = above = zero(T)
        for j in axes(U, 1)
            v = scaled(objective, gradient, j, k, row) * inverse
            below += abs2(U[j, row] - v)
            above += abs2(U[j, row] + v)
        end
        weight = isnothing(objective.weights) ? one(T) : objective.weights[row]
        minus += weight * below
        plus += weight * above
        total += weight
    end
    # A batch all of whose rows have no weight says nothing.
    total > 0 || return zero(T)
    return (objective.signed ? minus : min(minus, plus)) / total
end

function scaled(objective::Objective, gradient, j, k, row)
    isnothing(objective.scales) && return gradient[j, k]
    return gradient[j, k] * objective.scales[j, row]
end

"1 over the length of a gradient of these squares, or 0 where it counts as zero."
function inverse_norm(squares::T, value::T) where {T}
    least = T(FLOOR) * value
    # Denormal squares have lost their digits.
    zero_length = squares <= least^2 || squares < floatmin(T) * 1e28
    return zero_length ? zero(T) : inv(sqrt(squares))
end

end
