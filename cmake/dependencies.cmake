# What tilemesh is built with and what programs that use it link: for the build (options.cmake) and, installed as
# tilemeshDependencies.cmake, for find_package(tilemesh).
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(nlohmann_json)
find_dependency(CLI11)

# Debian's SystemC comes without a file for CMake, and the one of its oneDNN asks for OpenCL headers that the package does
# not bring; the processor part needs none.
find_library(SYSTEMC_LIBRARY systemc)
find_path(SYSTEMC_INCLUDE_DIR systemc)
find_library(DNNL_LIBRARY dnnl)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
foreach(variable SYSTEMC_LIBRARY SYSTEMC_INCLUDE_DIR DNNL_LIBRARY DNNL_INCLUDE_DIR)
  if(NOT ${variable})
    set(tilemesh_FOUND FALSE)
    set(tilemesh_NOT_FOUND_MESSAGE "tilemesh needs SystemC and oneDNN (Debian: libsystemc-dev, libdnnl-dev); set ${variable}")
    if(tilemesh_FIND_REQUIRED)
      message(FATAL_ERROR "${tilemesh_NOT_FOUND_MESSAGE}")
    endif()
    return()
  endif()
endforeach()

# Debian builds SystemC as C++17; it refuses to link from C++20 unless told so.
add_library(tilemesh::systemc INTERFACE IMPORTED)
target_link_libraries(tilemesh::systemc INTERFACE ${SYSTEMC_LIBRARY})
target_include_directories(tilemesh::systemc SYSTEM INTERFACE ${SYSTEMC_INCLUDE_DIR})
target_compile_definitions(tilemesh::systemc INTERFACE SC_CPLUSPLUS=201703L)
# The library brings its own main and asks for an sc_main; ours is beside the simulation, in a library nothing else pulls.
target_link_options(tilemesh::systemc INTERFACE LINKER:-u,sc_main)

add_library(tilemesh::dnnl INTERFACE IMPORTED)
target_link_libraries(tilemesh::dnnl INTERFACE ${DNNL_LIBRARY})
target_include_directories(tilemesh::dnnl SYSTEM INTERFACE ${DNNL_INCLUDE_DIR})
