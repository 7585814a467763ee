# Compiler options and third-party packages, shared by every target.

# A rebuild after a change of branch, of build directory or of clone costs seconds with a compiler cache. It must be told
# to find results of precompiled headers and of other folders, and not to preprocess every file once more.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 ${CCACHE_PROGRAM})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# Whoever uses an installed tilemesh looks for the same; here all of it is required.
block()
  set(CMAKE_FIND_PACKAGE_NAME tilemesh)
  set(tilemesh_FIND_REQUIRED TRUE)
  include(cmake/dependencies.cmake)
endblock()
find_package(Catch2 2 REQUIRED)
find_package(benchmark REQUIRED)

add_library(tilemesh_warnings INTERFACE)
target_compile_options(tilemesh_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlapping, endless and misplaced copies in std::string and std::vector where there are none (its bugs
  # 105329, 105651, 107852); Clang and the sanitizers look for real ones.
  target_compile_options(tilemesh_warnings INTERFACE
    -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()

option(TILEMESH_SANITIZE "build with the address and undefined-behaviour sanitizers" OFF)
if(TILEMESH_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/unsanitized.txt)
  endif()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=address,undefined)
endif()

# Reading these headers is two fifths of what compiling costs; targets with the same options share one reading. The preset
# "clang" does without, and so sees to it that every file includes what it uses.
option(TILEMESH_PRECOMPILE "read the largest headers once" ON)
function(tilemesh_precompiled_headers name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "// A library needs a source.\n")
  add_library(${name} STATIC ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE fmt::fmt nlohmann_json::nlohmann_json tilemesh_warnings)
  target_precompile_headers(${name} PRIVATE <algorithm> <filesystem> <functional> <map> <memory> <optional> <random> <set>
    <string> <vector> <fmt/format.h> <nlohmann/json.hpp> ${ARGN})
endfunction()
if(TILEMESH_PRECOMPILE)
  tilemesh_precompiled_headers(tilemesh_headers)
  set(TILEMESH_HEADERS tilemesh_headers)
endif()

# Several files at a time share the templates that they compile, of nlohmann/json above all: everything in two thirds of the
# time, and one changed file in twice. For builds that begin from nothing: CI's.
option(TILEMESH_UNITY "compile several source files of a library or a test together" OFF)

# One static library per folder, and its headers. Includes are written from the project's root: "sim/base/units.h". Files
# under ALONE have names of their own that others of the folder have too, and are never compiled with them.
function(tilemesh_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ALONE;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES} ${ARG_ALONE})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${TILEMESH_UNITY} UNITY_BUILD_BATCH_SIZE 12)
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} fmt::fmt PRIVATE $<BUILD_INTERFACE:tilemesh_warnings>)
  if(TILEMESH_PRECOMPILE)
    target_precompile_headers(${name} REUSE_FROM ${TILEMESH_HEADERS})
  endif()
  tilemesh_installed(${name})
endfunction()
