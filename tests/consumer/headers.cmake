# Every installed C++ header first in a source of its own, so that it includes what it needs, and
# all of them in one: names are unique. The list is what is there, written nowhere twice.
get_target_property(folder closedform::closedform HEADER_DIRS)
file(GLOB_RECURSE headers RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/closedform/*.h
  ${folder}/closedform/*.hpp)
if(NOT headers)
  message(FATAL_ERROR "no headers in ${folder}")
endif()
set(sources "")
set(all "")
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER ${header} name)
  string(APPEND all "#include <${header}>\n")
  # Twice: it is guarded.
  file(CONFIGURE OUTPUT headers/${name}.cpp CONTENT "#include <${header}>\n#include <${header}>\n")
  list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp)
endforeach()
file(CONFIGURE OUTPUT headers/all.cpp CONTENT "${all}")
list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/headers/all.cpp)

add_library(headers OBJECT ${sources})
target_link_libraries(headers PRIVATE closedform::closedform)
target_compile_options(headers PRIVATE -O0 -Wall -Wextra -Wpedantic -Wshadow -Werror)
