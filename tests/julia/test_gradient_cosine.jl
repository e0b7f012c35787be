# The objective against its definition, written out, with derivatives by finite differences.
# Run by tests/python/searches/backends/test_pysr.py, or: julia --project=<with the packages> tests/julia/<this file>

using Test
using Random: Xoshiro
using SymbolicRegression: Dataset, Node, Options, eval_tree_array
using SymbolicRegression.CoreModule: batch

const SOURCES = joinpath(@__DIR__, "..", "..", "python", "closedform", "searches", "backends", "julia")
isdefined(Main, :GradientCosine) ||
    include(joinpath(SOURCES, "GradientCosine.jl"))
isdefined(Main, :SearchWatch) ||
    include(joinpath(SOURCES, "SearchWatch.jl"))

const OPTIONS = Options(; binary_operators=[+, -, *, /], unary_operators=[sin, exp], save_to_file=false)
const x1, x2 = Node{Float64}(; feature=1), Node{Float64}(; feature=2)
added(l, r) = Node(1, l, r)
product(l, r) = Node(3, l, r)
sine_of(l) = Node(1, l)
constant(v) = Node{Float64}(; val=v)

unit(g) = map(c -> iszero(c) ? c : c / sqrt(sum(abs2, c)), eachcol(g)) |> stack

"Central differences of a tree, (d, n)."
function differences(tree, X)
    step = 1e-6
    rows = map(axes(X, 1)) do j
        up, down = copy(X), copy(X)
        up[j, :] .+= step
        down[j, :] .-= step
        (first(eval_tree_array(tree, up, OPTIONS)) - first(eval_tree_array(tree, down, OPTIONS))) / 2step
    end
    return permutedims(stack(rows))
end

"The definition: weighted mean of |u - v|^2, of the better sign unless signed."
function definition(tree, X, U, S, w, signed)
    V = unit(differences(tree, X) .* S)
    both = [sum(w .* vec(sum(abs2, U - sign * V; dims=1))) / sum(w) for sign in (1, -1)]
    return signed ? both[1] : minimum(both)
end

@testset "GradientCosine" begin
    rng = Xoshiro(0)
    X = 0.5 .+ rand(rng, 2, 50)
    U = unit(randn(rng, 2, 50))
    U[:, 3] .= 0
    S = 0.5 .+ rand(rng, 2, 50)
    w = rand(rng, 50)
    w[5] = 0
    dataset = Dataset(X, collect(1.0:50.0))
    ones_w, ones_S = ones(50), ones(2, 50)

    @testset "the definition" for tree in (
        added(product(x1, x1), product(constant(2.0), x2)),
        sine_of(product(x1, x2)),
        added(x2, sine_of(product(constant(-3.0), x1))),
        x1,
    ), signed in (false, true)
        plain = GradientCosine.Objective(U, nothing, nothing, signed)
        full = GradientCosine.Objective(U, S, w, signed)
        @test plain(tree, dataset, OPTIONS) ≈ definition(tree, X, U, ones_S, ones_w, signed) rtol = 1e-6
        @test full(tree, dataset, OPTIONS) ≈ definition(tree, X, U, S, w, signed) rtol = 1e-6
    end

    @testset "one sign for all rows" begin
        V = unit([2 .* X[1, :]'; ones(1, 50)])
        tree = added(product(x1, x1), x2)
        @test GradientCosine.Objective(-V, nothing, nothing, false)(tree, dataset, OPTIONS) < 1e-28
        @test GradientCosine.Objective(-V, nothing, nothing, true)(tree, dataset, OPTIONS) ≈ 4
        # A sign of its own for every row would make this one a match.
        flipped = V .* [iseven(k) ? 1 : -1 for k in 1:50]'
        @test GradientCosine.Objective(flipped, nothing, nothing, false)(tree, dataset, OPTIONS) ≈ 2
    end

    @testset "zero gradients match zero gradients only" begin
        objective = GradientCosine.Objective(U, nothing, nothing, false)
        @test objective(constant(1.5), dataset, OPTIONS) ≈ 49 / 50  # one row wants zero
        # sin(1e-300 x1): a gradient below what rounding leaves of anything.
        @test objective(sine_of(product(constant(1e-300), x1)), dataset, OPTIONS) ≈ 49 / 50
        # 1 + 1e-13 x1: lost in the rounding of the value.
        lost = added(constant(1.0), product(constant(1e-13), x1))
        @test objective(lost, dataset, OPTIONS) ≈ 49 / 50
    end

    @testset "what is not finite is no candidate" begin
        objective = GradientCosine.Objective(U, nothing, nothing, false)
        huge = Node(2, product(constant(1e4), x1))  # exp
        @test objective(huge, dataset, OPTIONS) == Inf
        pole = Node(4, x2, added(x1, product(constant(-1.0), x1)))
        @test objective(pole, dataset, OPTIONS) == Inf
    end

    @testset "batches and views" begin
        tree = added(product(x1, x1), sine_of(x2))
        objective = GradientCosine.Objective(U, S, w, false)
        for part in (batch(Xoshiro(1), dataset, 20), batch(Xoshiro(2), dataset, 7))
            rows = Int.(part.y)
            expected = definition(tree, X[:, rows], U[:, rows], S[:, rows], w[rows], false)
            @test objective(tree, part, OPTIONS) ≈ expected rtol = 1e-6
        end
    end

    @test_throws DimensionMismatch GradientCosine.Objective(U, S[:, 1:3], nothing, false)
    @test_throws DimensionMismatch GradientCosine.Objective(U, nothing, w[1:3], false)
end

@testset "SearchWatch" begin
    looks = Ref(0)
    watch = SearchWatch.Watch(() -> (looks[] += 1) > 1, 0.0)
    @test !watch(1.0, 1)
    @test watch(1.0, 1)
    @test watch(1.0, 1) && looks[] == 2  # once said, it is not asked again
    rare = SearchWatch.Watch(() -> (looks[] += 1) > 100, 1000.0)
    rare(1.0, 1), rare(1.0, 1)
    @test looks[] == 3
end
