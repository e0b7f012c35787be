# What `cmake --install` lays down: headers, the static C++ library, the shared C library, the
# Fortran module's source (its .mod depends on the user's compiler) and the CMake package. In a wheel
# all of it lies in the Python package, where closedform.get_include() and get_cmake_dir() find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(SKBUILD)
  set(CMAKE_INSTALL_INCLUDEDIR closedform/include)
  set(CMAKE_INSTALL_LIBDIR closedform/lib)
  set(CLOSEDFORM_FORTRAN_DIR closedform/fortran)
  set(namelink NAMELINK_SKIP) # a wheel would hold a copy
else()
  set(CLOSEDFORM_FORTRAN_DIR ${CMAKE_INSTALL_DATADIR}/closedform)
  set(namelink "")
endif()
set(CLOSEDFORM_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/closedform)

install(TARGETS closedform EXPORT closedform_cxx
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS closedform_c EXPORT closedform_c
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ${namelink}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES fortran/closedform.f90 DESTINATION ${CLOSEDFORM_FORTRAN_DIR})
set(parts c cxx)
if(TARGET closedform_cuda AND NOT SKBUILD) # a wheel would hold the library twice
  install(TARGETS closedform_cuda EXPORT closedform_cuda
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  list(APPEND parts cuda)
endif()
foreach(part IN LISTS parts)
  install(EXPORT closedform_${part} NAMESPACE closedform:: FILE closedform_${part}.cmake
    DESTINATION ${CLOSEDFORM_CMAKE_DIR})
endforeach()

# Where scipy-openblas32 was at build time. Beside a wheel it lies in the same site-packages.
set(CLOSEDFORM_USES_SCIPY OFF)
if(CLOSEDFORM_SCIPY_OPENBLAS)
  set(CLOSEDFORM_USES_SCIPY ON)
endif()
if(CLOSEDFORM_USES_SCIPY AND NOT SKBUILD)
  get_filename_component(CLOSEDFORM_SCIPY_DIR ${CLOSEDFORM_SCIPY_OPENBLAS} DIRECTORY)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/closedformConfig.cmake.in
  ${PROJECT_BINARY_DIR}/closedformConfig.cmake INSTALL_DESTINATION ${CLOSEDFORM_CMAKE_DIR}
  PATH_VARS CLOSEDFORM_FORTRAN_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/closedformConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/closedformConfig.cmake
  ${PROJECT_BINARY_DIR}/closedformConfigVersion.cmake DESTINATION ${CLOSEDFORM_CMAKE_DIR})
