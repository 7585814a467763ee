# `cpack -G DEB` in the build folder makes two packages: tilemesh, what runs it, and tilemesh-dev, what kernels outside the
# tree are built with.
set(CPACK_PACKAGE_NAME tilemesh)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the tilemesh authors <maintainers@tilemesh.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL command development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME tilemesh)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "python3 (>= 3.11)")
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "python3-numpy, python3-torch")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
"simulator of attention kernels on meshes of processing elements
Runs attention kernels and tile programs on a machine described in JSON, and
gives their time, traffic and bounds and whether their answers are right.
Kernels in Python need python3.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME tilemesh-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "tilemesh (= ${PROJECT_VERSION}), libsystemc-dev, libdnnl-dev, libxxhash-dev, libfmt-dev, libspdlog-dev, nlohmann-json3-dev, libcli11-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"libraries and headers of the tilemesh simulator
What C++ kernels outside tilemesh's source tree are built with: static
libraries, headers, and files for find_package(tilemesh) in CMake.")
include(CPack)
