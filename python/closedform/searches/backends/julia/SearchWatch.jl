"""
    SearchWatch

Lets a caller look on while SymbolicRegression.jl searches, and end the search.

The search asks its `early_stop_condition` about every member of the hall of fame whenever its main
loop comes round, thousands of times a second; `Watch` asks the caller twice a second.
"""
module SearchWatch

export Watch

"""
    Watch(look, interval)

An `early_stop_condition` that ends the search once `look()` has returned true; `look` is called at
most every `interval` seconds, on the thread of the search's main loop.
"""
mutable struct Watch{F} <: Function
    look::F
    interval::Float64
    next::Float64
    stopped::Bool
end

Watch(look, interval) = Watch(look, Float64(interval), 0.0, false)

function (watch::Watch)(_, _)::Bool
    if !watch.stopped && time() >= watch.next
        watch.stopped = watch.look()
        watch.next = time() + watch.interval
    end
    return watch.stopped
end

end
