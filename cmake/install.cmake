# What `cmake --install` puts where (adr/0029): the command with its configurations, front end and pages; and what others
# need to build kernels of their own, the libraries with headers and the files for find_package(tilemesh).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(tilemesh_share ${CMAKE_INSTALL_DATADIR}/tilemesh)
set(tilemesh_headers ${CMAKE_INSTALL_INCLUDEDIR}/tilemesh)
set(tilemesh_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/tilemesh)

# A library tilemesh_base is tilemesh::base outside.
function(tilemesh_installed name)
  string(REGEX REPLACE "^tilemesh_" "" export_name ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${name} EXPORT tilemesh COMPONENT development
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/tilemesh
    FILE_SET HEADERS DESTINATION ${tilemesh_headers})
endfunction()

function(tilemesh_install_rules)
  install(EXPORT tilemesh NAMESPACE tilemesh:: FILE tilemeshTargets.cmake DESTINATION ${tilemesh_cmake} COMPONENT development)
  configure_package_config_file(cmake/tilemeshConfig.cmake.in tilemeshConfig.cmake
    INSTALL_DESTINATION ${tilemesh_cmake} PATH_VARS tilemesh_share tilemesh_headers)
  write_basic_package_version_file(tilemeshConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tilemeshConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/tilemeshConfigVersion.cmake
    DESTINATION ${tilemesh_cmake} COMPONENT development)
  install(FILES cmake/dependencies.cmake RENAME tilemeshDependencies.cmake DESTINATION ${tilemesh_cmake} COMPONENT development)
  install(FILES sim/base/shared_files_of_package.cpp DESTINATION ${tilemesh_headers}/sim/base COMPONENT development)
  install(DIRECTORY tools/example_kernels DESTINATION ${CMAKE_INSTALL_DOCDIR}/tools COMPONENT development)

  # Paths from configs/panels to kernels/programs are those of the source tree.
  install(DIRECTORY configs DESTINATION ${tilemesh_share} COMPONENT command)
  install(DIRECTORY kernels/programs DESTINATION ${tilemesh_share}/kernels COMPONENT command
    FILES_MATCHING PATTERN "*.py" PATTERN __pycache__ EXCLUDE)
  install(DIRECTORY tools/python/tilemesh DESTINATION ${tilemesh_share}/python COMPONENT command
    PATTERN __pycache__ EXCLUDE)
  # Debian's Python looks here when the prefix is /usr; elsewhere PYTHONPATH names share/tilemesh/python.
  install(CODE "
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
      file(MAKE_DIRECTORY \$ENV{DESTDIR}/usr/lib/python3/dist-packages)
      file(CREATE_LINK ../../../share/tilemesh/python/tilemesh
        \$ENV{DESTDIR}/usr/lib/python3/dist-packages/tilemesh SYMBOLIC)
    endif()" COMPONENT command)

  # Documents lie to each other as in the source tree, so that their links hold.
  file(GLOB_RECURSE documents RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
    adr/*.md configs/*.md kernels/*.md sim/*.md sim/page/pictures/*.png tools/python/*.md)
  foreach(document README.md CHANGELOG.md LICENSE ${documents})
    cmake_path(GET document PARENT_PATH folder)
    install(FILES ${document} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder} COMPONENT command)
  endforeach()
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT command)
endfunction()
