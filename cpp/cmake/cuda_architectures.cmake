# Which GPUs to compile for. Every architecture takes as long as the first, so a build from source
# takes those that are here; without a GPU one and its PTX, which drivers compile for newer ones
# when it is first loaded. Wheels take ALL.
function(closedform_cuda_architectures result)
  set(found ${CLOSEDFORM_CUDA_ARCHITECTURES})
  if(found STREQUAL "ALL")
    set(found 75-real 80-real 86-real 89-real 90-real 100-real 120)
  elseif(found STREQUAL "AUTO")
    execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
      OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    set(found 75)
    if(status EQUAL 0 AND answer MATCHES "^[0-9]+\\.[0-9]+(\n[0-9]+\\.[0-9]+)*$")
      string(REPLACE "." "" found "${answer}")
      string(REGEX REPLACE "\n|$" "-real;" found "${found}")
      list(REMOVE_ITEM found "")
      list(REMOVE_DUPLICATES found)
    endif()
  endif()
  message(STATUS "CUDA architectures: ${found}")
  set(${result} "${found}" PARENT_SCOPE)
endfunction()
