# Writes SOURCE, in which the model has a version of its own: a hash over every file that a simulated result can depend on.
# Two builds of the same sources have the same, whatever else of tilemesh has changed.
#   cmake -D ROOT=... -D SOURCE=... -P model_version.cmake
# What is not listed belongs to the model, so that a new folder does too.
set(no_part_of_it page probe search validation)  # of sim/: they show, measure, choose and compare
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/sim/* ${ROOT}/kernels/*.cpp ${ROOT}/kernels/*.h ${ROOT}/tools/python/tilemesh/*.py)
list(JOIN no_part_of_it "|" others)
list(FILTER files EXCLUDE REGEX "^sim/(${others})/")
list(SORT files)
set(all "")
foreach(file ${files})
  file(SHA256 ${ROOT}/${file} hash)
  string(APPEND all "${file} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING ${hash} 0 16 hash)
set(text "// Written by cmake/model_version.cmake.\n#include \"sim/run/version.h\"\n\nstd::string tilemesh::run::model_version() { return \"${hash}\"; }\n")
set(before "")
if(EXISTS ${SOURCE})
  file(READ ${SOURCE} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${SOURCE} "${text}")
endif()
